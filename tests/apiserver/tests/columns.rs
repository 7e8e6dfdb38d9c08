//! Columns, as kubectl prints them.
//!
//! How wide a column is depends on ages and names, so a golden has columns of its own width. A cell that is empty
//! stays an empty cell of its column.

use std::sync::LazyLock;

use regex::Regex;

/// What stands above a table: names of columns in capitals.
static HEADER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Z][A-Z0-9-]*( {1,}[A-Z(][A-Z0-9()-]*)*$").unwrap());

/// The name of a column, which may be of two words.
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\S+( \S+)*").unwrap());

/// What stands between two cells.
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S) {2,}").unwrap());

/// An age in a cell, as the last or the first of something that happened often.
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(\d+[smhd]){1,2}$").unwrap());
static OFTEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:\d+[smhd]){1,2} \(x(\d+) over (?:\d+[smhd]){1,2}\)$").unwrap());

/// Gives all columns the width that they need once what is in them is masked. Ages are masked in cells alone: a
/// duration in a sentence is part of it.
pub(crate) fn align(text: &str, mask: &dyn Fn(&str) -> String) -> String {
    let mut aligned: Vec<String> = Vec::new();
    let mut table: Option<Table> = None;
    for line in text.lines() {
        if HEADER.is_match(line.trim_end()) && line.contains("  ") {
            aligned.extend(table.take().into_iter().flat_map(Table::lines));
            table = Some(Table::new(line));
            continue;
        }
        if !table.as_mut().is_some_and(|table| table.push(line, mask)) {
            aligned.extend(table.take().into_iter().flat_map(Table::lines));
            aligned.push(loose(&mask(line)));
        }
    }
    aligned.extend(table.into_iter().flat_map(Table::lines));
    aligned.join("\n")
}

/// A line that belongs to no table with a header: its cells stand three spaces apart.
fn loose(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (indent, cells) = line.split_at(indent);
    let cells = GAP.replace_all(cells.trim_end(), "$1   ");
    let cells: Vec<String> = cells.split("   ").map(mask_age).collect();
    format!("{indent}{}", cells.join("   "))
}

fn mask_age(cell: &str) -> String {
    if OFTEN.is_match(cell) {
        return OFTEN.replace(cell, "<age> (x$1 over <age>)").into_owned();
    }
    match AGE.find(cell) {
        Some(age) if age.start() == 0 => "<age>".to_owned(),
        _ => cell.to_owned(),
    }
}

/// A header and the rows below it.
struct Table {
    starts: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(header: &str) -> Self {
        let names: Vec<_> = NAME.find_iter(header).collect();
        Self {
            starts: names.iter().map(regex::Match::start).collect(),
            rows: vec![names.iter().map(|name| name.as_str().to_owned()).collect()],
        }
    }

    /// Takes a row; tells whether it is one.
    fn push(&mut self, line: &str, mask: &dyn Fn(&str) -> String) -> bool {
        let line = line.trim_end();
        let ends = self.starts.iter().skip(1).copied().chain([usize::MAX]);
        let mut cells = Vec::new();
        for (start, end) in self.starts.iter().copied().zip(ends) {
            let before = start.checked_sub(1).and_then(|at| line.as_bytes().get(at));
            if before.is_some_and(|byte| *byte != b' ') {
                return false;
            }
            let cell = line.get(start.min(line.len())..end.min(line.len()));
            let Some(cell) = cell else { return false };
            cells.push(mask_age(&mask(cell.trim_end())));
        }
        let is_row =
            !line.is_empty() && !line.starts_with(' ') && cells.iter().all(|cell| !cell.starts_with(' '));
        if is_row {
            self.rows.push(cells);
        }
        is_row
    }

    fn lines(self) -> Vec<String> {
        let widths: Vec<usize> = (0..self.starts.len())
            .map(|column| {
                self.rows
                    .iter()
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("   ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[test]
fn a_column_is_as_wide_as_it_needs_to_be() {
    let said = "NAME    STATE   LAST SEEN   AGE\ndemo            2m3s        1d\na-long-  Ready  5s\n\nAfter 5s it ends\n";
    let aligned = "NAME   STATE   LAST SEEN   AGE\ndemo           <age>       <age>\na-long-   Ready   5s\n\nAfter 5s it ends";
    // The third line is no row of the table: its cells do not stand below the names.
    let mask = |cell: &str| cell.to_owned();
    assert_eq!(align(said, &mask), aligned.replace("Ready   5s", "Ready   <age>"));
}

#[test]
fn what_has_no_header_keeps_its_indent_and_its_cells() {
    for (said, aligned) in [
        (
            "  Normal  Applied  5s (x3 over 2m)  capt",
            "  Normal   Applied   <age> (x3 over <age>)   capt",
        ),
        ("5s    Normal  Applied", "<age>   Normal   Applied"),
        ("    indented:     a", "    indented:   a"),
        ("takes 5s", "takes 5s"),
        ("NAME", "NAME"),
    ] {
        assert_eq!(align(said, &str::to_owned), aligned);
    }
}
