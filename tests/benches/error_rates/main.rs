//! How often the statistics of soak are wrong, and how often they find what there is: by simulation.
//!
//! `make error-rates` writes `deploy/statistics/error_rates.csv` and `.md`; `make critical-values` writes the
//! distributions that the search for changes of level works with, `src/stats/critical_values.rs`. Both are made from
//! fixed seeds: two runs agree to the last byte. A test makes the beginning of the table again and compares it with
//! the file. `make peers` shows the same series to other programs.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program that writes its tables")]

mod comparison;
mod critical;
mod methods;
mod peers;
mod table;
mod world;

use std::fs;
use std::path::Path;
use std::time::Instant;

/// Series of each kind for other programs.
const SERIES: usize = 200;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let start = Instant::now();
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["critical"] => {
            let place = root.join("src/stats/critical_values.rs");
            fs::write(&place, critical::source()).expect("the file can be written");
            println!("{} in {:.0} s", place.display(), start.elapsed().as_secs_f64());
        }
        ["table"] => {
            let rows = table::rows(table::WHOLE, table::PUBLISHED);
            let folder = root.join("deploy/statistics");
            fs::create_dir_all(&folder).expect("the folder can be made");
            fs::write(folder.join("error_rates.csv"), table::csv(&rows)).expect("the file can be written");
            fs::write(folder.join("error_rates.md"), table::markdown(&rows))
                .expect("the file can be written");
            println!("{} in {:.0} s", folder.display(), start.elapsed().as_secs_f64());
        }
        ["series"] => print!("{}", peers::series(SERIES)),
        _ => println!(
            "`table` writes the table of error rates, `critical` the critical values, `series` prints simulated series"
        ),
    }
}
