//! The iterations of one symbol, in columns, ordered by number.
//!
//! Holds what was loaded; judges nothing.

pub mod instant;

pub mod anomalies;

pub mod symbols;

pub mod ranges;

pub mod window;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::iteration::Iteration;
use super::kpi::KpiId;
use crate::core::iteration::params::ParamValues;
use crate::core::trend::resources::{ProcessId, Resource, ResourceValues};

/// Shares equal strings between iterations, so that memory follows the columns and not the files.
#[derive(Debug, Default)]
pub struct Interner {
    strings: HashSet<Arc<str>>,
}

impl Interner {
    /// Shares a text that often is the one `before`, in the iteration before it: then nothing has to be looked up.
    fn share_opt(&mut self, text: &mut Option<Arc<str>>, before: Option<&Arc<str>>) {
        match (text, before) {
            (Some(text), Some(before)) if text == before => *text = Arc::clone(before),
            (Some(text), _) => self.share(text),
            (None, _) => {}
        }
    }

    fn share(&mut self, text: &mut Arc<str>) {
        if let Some(known) = self.strings.get(text) {
            *text = Arc::clone(known);
        } else if self.strings.len() < 4096 {
            // Beyond that the strings are all different (hashes), and a table of them only costs.
            self.strings.insert(Arc::clone(text));
        }
    }
}

/// A row without its KPI values and resources, which stand in the columns.
pub type Row = Iteration;

/// Iterations of one symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The symbol; `None` for runs that are not per symbol.
    pub symbol: Option<String>,
    rows: Vec<Row>,
    columns: Vec<Vec<Option<f64>>>,
    /// Each ends with its last known value: a resource that nobody tells costs nothing.
    resources: [Vec<Option<f64>>; Resource::ALL.len()],
    /// Whose resources they are; ends with the last one that is known.
    processes: Vec<Option<ProcessId>>,
    last_overrides: Option<Arc<ParamValues>>,
}

impl Series {
    /// An empty series with a column for each of `kpis` KPIs.
    pub fn new(symbol: Option<String>, kpis: usize) -> Self {
        Self {
            symbol,
            rows: Vec::new(),
            columns: vec![Vec::new(); kpis],
            resources: Default::default(),
            processes: Vec::new(),
            last_overrides: None,
        }
    }

    /// Appends an iteration. Callers append in the order of numbers, each number once.
    pub fn push(&mut self, mut iteration: Iteration, interner: &mut Interner) {
        debug_assert!(self.rows.last().is_none_or(|last| last.number < iteration.number));
        let values = std::mem::take(&mut iteration.values);
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.push(values.get(index).copied().flatten());
        }
        if let Some(used) = iteration.resources.take() {
            for (column, resource) in self.resources.iter_mut().zip(Resource::ALL) {
                if let Some(value) = used.get(resource) {
                    column.resize(self.rows.len(), None);
                    column.push(Some(value));
                }
            }
            if used.process.is_some() {
                self.processes.resize(self.rows.len(), None);
                self.processes.push(used.process);
            }
        }
        let before = self.rows.last();
        let of_before = |field: fn(&Row) -> &Option<Arc<str>>| before.and_then(|row| field(row).as_ref());
        interner.share_opt(&mut iteration.kpi_verdict, of_before(|row| &row.kpi_verdict));
        interner.share_opt(&mut iteration.phase, of_before(|row| &row.phase));
        interner.share_opt(&mut iteration.collection_failed, of_before(|row| &row.collection_failed));
        interner.share_opt(&mut iteration.resources_failed, of_before(|row| &row.resources_failed));
        let tuning = &mut iteration.tuning;
        interner.share_opt(&mut tuning.freeze_reason, of_before(|row| &row.tuning.freeze_reason));
        interner.share_opt(&mut tuning.signature, of_before(|row| &row.tuning.signature));
        interner.share_opt(&mut tuning.state_hash, of_before(|row| &row.tuning.state_hash));
        interner.share_opt(&mut tuning.old_hash, of_before(|row| &row.tuning.old_hash));
        if let Some(skip) = &mut tuning.skip {
            let before = before.and_then(|row| row.tuning.skip.as_ref());
            interner.share_opt(&mut skip.code, before.and_then(|skip| skip.code.as_ref()));
            interner.share_opt(&mut skip.note, before.and_then(|skip| skip.note.as_ref()));
        }
        for (_, code) in &mut tuning.dropped {
            interner.share(code);
        }
        for driver in &mut iteration.negative_drivers {
            interner.share(driver);
        }
        for (_, key) in &mut iteration.respelled {
            interner.share(key);
        }
        if let Some(overrides) = &mut iteration.overrides {
            match &self.last_overrides {
                Some(last) if last == overrides => *overrides = Arc::clone(last),
                _ => self.last_overrides = Some(Arc::clone(overrides)),
            }
        }
        self.rows.push(iteration);
    }

    /// Number of iterations.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, without KPI values.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The number of the iteration at a position.
    pub fn number(&self, position: usize) -> u64 {
        self.rows[position].number
    }

    /// The values of a KPI, `None` = unknown, one an iteration.
    pub fn column(&self, kpi: KpiId) -> &[Option<f64>] {
        self.columns.get(kpi.index()).map_or(&[], Vec::as_slice)
    }

    /// What the watched process tree used at a position.
    pub fn resources(&self, position: usize) -> ResourceValues {
        let mut values = ResourceValues::default();
        for (column, resource) in self.resources.iter().zip(Resource::ALL) {
            values.set(resource, column.get(position).copied().flatten());
        }
        values.process = self.processes.get(position).copied().flatten();
        values
    }

    /// Numbers of the iterations in which the watched process is another than before.
    pub fn replaced(&self) -> Vec<u64> {
        let known = self.rows.iter().zip(&self.processes).filter_map(|(row, of)| Some((row.number, (*of)?)));
        let known: Vec<(u64, ProcessId)> = known.collect();
        known.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect()
    }

    /// Hours from the first iteration that has a time stamp, one an iteration; between two that have a time stamp in proportion to their numbers.
    /// Empty where fewer than two have one.
    pub fn hours(&self) -> Vec<f64> {
        let stamped = self.rows.iter().filter_map(|row| Some((row.number as f64, row.instant()?)));
        let stamped: Vec<(f64, DateTime<Utc>)> = stamped.collect();
        let Some((_, start)) = stamped.first().filter(|_| stamped.len() > 1) else { return Vec::new() };
        let hours = |at: usize| (stamped[at].1 - start).num_milliseconds() as f64 / 3_600_000.0;
        let mut next = 1;
        let one = |row: &Row| {
            let number = row.number as f64;
            while next + 1 < stamped.len() && stamped[next].0 < number {
                next += 1;
            }
            let (from, to) = (stamped[next - 1].0, stamped[next].0);
            hours(next - 1) + (hours(next) - hours(next - 1)) * (number - from) / (to - from)
        };
        self.rows.iter().map(one).collect()
    }

    /// The values of the first `kpis` KPIs at a position.
    pub fn values_at(&self, position: usize, kpis: usize) -> Box<[Option<f64>]> {
        let value = |index: usize| self.columns.get(index).and_then(|column| column.get(position)).copied();
        (0..kpis).map(|index| value(index).flatten()).collect()
    }

    /// The value of a KPI at a position.
    pub fn value(&self, kpi: KpiId, position: usize) -> Option<f64> {
        self.column(kpi).get(position).copied().flatten()
    }

    /// The known values of a KPI within positions.
    pub fn known(&self, kpi: KpiId, positions: Range<usize>) -> Vec<f64> {
        self.column(kpi)[positions].iter().copied().flatten().collect()
    }

    /// Position of the first number that is at least `number`.
    pub fn position_of(&self, number: u64) -> usize {
        self.rows.partition_point(|row| row.number < number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_time_stamps_and_in_between_in_proportion() {
        let hours = |rows: &[(u64, Option<&str>)]| {
            let mut series = Series::new(None, 0);
            for (number, time) in rows {
                let time = time.map(|time| format!("2026-03-01T{time}:00Z").into());
                series.push(
                    Iteration { number: *number, time, ..Iteration::default() },
                    &mut Interner::default(),
                );
            }
            series.hours()
        };
        let even = [(3, Some("22:00")), (4, Some("22:15")), (6, Some("22:45"))];
        assert_eq!(hours(&even), [0.0, 0.25, 0.75]);
        let gaps =
            [(1, None), (2, Some("08:00")), (3, None), (6, Some("10:00")), (7, Some("noon")), (8, None)];
        assert_eq!(hours(&gaps), [-0.5, 0.0, 0.5, 2.0, 2.5, 3.0]);
        assert_eq!(hours(&[(1, Some("08:00")), (2, None)]), [0.0; 0]);
        assert_eq!(hours(&[]), [0.0; 0]);
    }
}
