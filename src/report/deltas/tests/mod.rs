mod document;
mod texts;

use super::*;
