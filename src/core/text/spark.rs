//! Sparklines: a series as one line of characters.
//!
//! Shows shape, not numbers; the scale is the series' own. Must not decide where a line is printed.

/// The characters of a sparkline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// `▁▂▃▄▅▆▇█`, missing `·`.
    Blocks,
    /// `-=+#`, missing `.`.
    Ascii,
}

impl Glyphs {
    /// From the lowest to the highest level.
    fn levels(self) -> &'static [char] {
        match self {
            Self::Blocks => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => &['-', '=', '+', '#'],
        }
    }

    /// The level of a series that does not vary: in the middle.
    fn flat(self) -> char {
        match self {
            Self::Blocks => '▅',
            Self::Ascii => '=',
        }
    }

    /// Where there is no value.
    fn gap(self) -> char {
        match self {
            Self::Blocks => '·',
            Self::Ascii => '.',
        }
    }
}

/// Share of the largest absolute value below which a range is the noise of binary arithmetic.
const NOISE: f64 = 1e-9;

/// The values as a line of at most `width` characters.
///
/// Up to `width` values get a character each. More values are put into width ÷ 2 buckets of equal size, and
/// each bucket shows its smallest and its largest value in the order in which they came, so no extreme is
/// ever lost (of an odd width one column stays free; a single column shows the last known value). A column
/// without a known value is a gap. A series that does not vary is a flat line in the middle, a series
/// without any value is `width` dashes.
pub fn sparkline(values: &[Option<f64>], width: usize, glyphs: Glyphs) -> String {
    let known = || values.iter().copied().flatten();
    let (Some(lowest), Some(highest)) = (known().min_by(f64::total_cmp), known().max_by(f64::total_cmp))
    else {
        return "-".repeat(width);
    };
    columns(values, width)
        .into_iter()
        .map(|column| column.map_or(glyphs.gap(), |value| glyph(value, lowest, highest, glyphs)))
        .collect()
}

/// The values to be shown, one a column.
fn columns(values: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    if values.len() <= width {
        return values.to_vec();
    }
    if width == 1 {
        return vec![values.iter().rev().copied().flatten().next()];
    }
    let buckets = width / 2;
    let edge = |bucket: usize| bucket * values.len() / buckets;
    (0..buckets).flat_map(|bucket| extremes(&values[edge(bucket)..edge(bucket + 1)])).collect()
}

/// Smallest and largest known value, in the order in which they came.
fn extremes(bucket: &[Option<f64>]) -> [Option<f64>; 2] {
    let known = || bucket.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
    let smallest = known().min_by(|a, b| a.1.total_cmp(&b.1));
    let largest = known().max_by(|a, b| a.1.total_cmp(&b.1));
    let mut both = [smallest, largest];
    both.sort_by_key(|found| found.map(|(at, _)| at));
    both.map(|found| found.map(|(_, value)| value))
}

/// Whether the series does not vary, but for the last digits that sums and quotients leave: a share of 0.3 that
/// was measured as 0.30000000000000004 once has not moved.
fn is_level(lowest: f64, highest: f64) -> bool {
    let largest = lowest.abs().max(highest.abs());
    // Halves, because the range of two large numbers may not be a number.
    0.5 * highest - 0.5 * lowest <= 0.5 * NOISE * largest
}

/// The levels divide the range from the lowest to the highest value into equal parts.
fn glyph(value: f64, lowest: f64, highest: f64, glyphs: Glyphs) -> char {
    if is_level(lowest, highest) {
        return glyphs.flat();
    }
    // Halves, because the range of two large numbers may not be a number.
    let share = (0.5 * value - 0.5 * lowest) / (0.5 * highest - 0.5 * lowest);
    let levels = glyphs.levels();
    let passed = (1..levels.len()).filter(|level| share >= *level as f64 / levels.len() as f64).count();
    levels[passed]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(values: &[f64], width: usize) -> String {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        sparkline(&values, width, Glyphs::Blocks)
    }

    #[test]
    fn equal_steps_take_equal_levels() {
        assert_eq!(blocks(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(blocks(&[7.0, 0.0], 8), "█▁");
        let values = [Some(-3.0), Some(-2.0), Some(-1.0), Some(0.0)];
        assert_eq!(sparkline(&values, 8, Glyphs::Ascii), "-=+#");
    }

    #[test]
    fn a_level_begins_at_its_boundary() {
        // The second of eight levels begins at one eighth of the range.
        assert_eq!(blocks(&[0.0, 0.99, 1.0, 1.01, 8.0], 8), "▁▁▂▂█");
    }

    #[test]
    fn a_missing_value_is_a_gap_and_not_the_lowest_level() {
        let values = [Some(0.0), None, Some(1.0)];
        assert_eq!(sparkline(&values, 8, Glyphs::Blocks), "▁·█");
        assert_eq!(sparkline(&values, 8, Glyphs::Ascii), "-.#");
    }

    #[test]
    fn a_constant_series_is_flat_in_the_middle() {
        assert_eq!(blocks(&[0.3, 0.3, 0.3], 8), "▅▅▅");
        assert_eq!(sparkline(&[Some(0.0), None, Some(0.0)], 8, Glyphs::Ascii), "=.=");
    }

    #[test]
    fn the_noise_of_binary_sums_is_no_shape() {
        assert_eq!(blocks(&[0.1 + 0.2, 0.3, 0.3], 8), "▅▅▅");
        assert_eq!(blocks(&[-300.0, -300.000_000_000_000_06], 8), "▅▅");
        // A billionth of the value is noise, two are not.
        assert_eq!(blocks(&[1.0, 1.0 + 0.9e-9], 8), "▅▅");
        assert_eq!(blocks(&[1.0, 1.0 + 2e-9], 8), "▁█");
        // Around 0 there is no noise.
        assert_eq!(blocks(&[0.0, 1e-300], 8), "▁█");
    }

    #[test]
    fn no_data_is_dashes() {
        assert_eq!(sparkline(&[], 5, Glyphs::Blocks), "-----");
        assert_eq!(sparkline(&[None, None], 5, Glyphs::Ascii), "-----");
        assert_eq!(blocks(&[1.0, 2.0], 0), "");
    }

    #[test]
    fn extremes_survive_when_there_are_more_values_than_columns() {
        // Two buckets of four: 5 9 1 5 → 9 then 1; 5 5 5 5 → 5 5.
        assert_eq!(blocks(&[5.0, 9.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0], 4), "█▁▅▅");
        for spike in [0, 1, 399, 400, 777, 999] {
            let mut values = vec![3.0; 1000];
            values[spike] = 9.0;
            let line = blocks(&values, 40);
            assert_eq!(
                (line.chars().count(), line.matches('█').count() >= 1),
                (40, true),
                "spike at {spike}"
            );
        }
    }

    #[test]
    fn a_bucket_with_one_known_value_shows_it_and_an_empty_one_is_a_gap() {
        let values = [None, Some(0.0), None, None, None, None, Some(1.0), Some(1.0)];
        assert_eq!(sparkline(&values, 6, Glyphs::Blocks), "▁▁··██");
    }

    #[test]
    fn an_odd_width_leaves_a_column_free_and_one_column_shows_the_last_value() {
        let rise = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        assert_eq!(blocks(&rise, 5), "▁▄▅█");
        assert_eq!(blocks(&rise, 1), "█");
        assert_eq!(sparkline(&[Some(1.0), Some(0.0), None], 1, Glyphs::Blocks), "▁");
    }

    #[test]
    fn very_large_numbers_have_a_shape_too() {
        assert_eq!(blocks(&[f64::MIN, 0.0, f64::MAX], 8), "▁▅█");
    }
}
