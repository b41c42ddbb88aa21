//! Lookup tables: CSV files kept in git beside the recipes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use crate::diagnostic::{Diagnostic, Source, Span};

/// All tables of a project, by name (the file's name without `.csv`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// The tables.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// Notes the rows that are found, for whoever wants to know.
    pub watch: Option<Arc<RowWatch>>,
}

/// The rows of tables that were found by `lookup` and `find_row`.
#[derive(Debug, Default)]
pub struct RowWatch(Mutex<BTreeSet<(String, usize)>>);

impl RowWatch {
    /// Notes that a row was found: the table's name, and the row's place from 0.
    pub(crate) fn found(&self, table: &str, row: usize) {
        self.0.lock().expect("no panic while the lock is held").insert((table.into(), row));
    }

    /// Returns the rows that were found.
    pub fn rows(&self) -> BTreeSet<(String, usize)> {
        self.0.lock().expect("no panic while the lock is held").clone()
    }
}

/// What was looked up makes no difference to what tables hold.
impl PartialEq for RowWatch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for RowWatch {}

/// One table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The path people know it by, such as `tables/employment_types.csv`.
    pub path: String,
    /// The header row.
    pub columns: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// The most columns, and the most cells, of one table: a spreadsheet kept by people has a hundredth of it.
const MOST_COLUMNS: usize = 1_000;
const MOST_CELLS: usize = 500_000;
/// How many wrong rows are reported one by one.
const MOST_REPORTED: usize = 50;

/// Reads one CSV file: the first row names the columns. Cells are trimmed; a row of empty cells is left out.
///
/// What is right is given back even where something is wrong, so that recipes can be checked against it.
pub(crate) fn read(source: &Arc<Source>, out: &mut Vec<Diagnostic>) -> Option<Table> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let offset = source.text.len() - text.len();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records().enumerate();
    let mut next = |out: &mut Vec<Diagnostic>| loop {
        let (_, record) = records.next()?;
        match record {
            Ok(record) => {
                let start =
                    record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
                return Some((line_at(source, offset + start), record));
            }
            Err(error) => {
                let start =
                    error.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
                let message = "this row is not readable as UTF-8 text";
                out.push(Diagnostic::error(
                    "bad-table",
                    source,
                    line_at(source, offset + start),
                    message,
                ));
            }
        }
    };
    let Some((header, columns)) = next(out) else {
        let message = "this table is empty";
        let diagnostic = Diagnostic::error("bad-table", source, Span::new(0, 0), message);
        out.push(diagnostic.help("the first row names the columns, such as `greenhouse,goco`"));
        return None;
    };
    let columns: Vec<String> = columns.iter().map(str::to_owned).collect();
    if columns.len() > MOST_COLUMNS {
        let message = format!("this table has {} columns", columns.len());
        let diagnostic = Diagnostic::error("too-large", source, header, message);
        out.push(diagnostic.help(format!("{MOST_COLUMNS} are the most that are read")));
        return None;
    }
    check_header(source, header, &columns, out);
    let (mut rows, mut wrong): (Vec<Vec<String>>, usize) = (Vec::new(), 0);
    while let Some((line, record)) = next(out) {
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() == columns.len() {
            if (rows.len() + 1) * columns.len() > MOST_CELLS {
                let message = format!("this table has more than {MOST_CELLS} cells");
                let diagnostic = Diagnostic::error("too-large", source, line, message);
                out.push(diagnostic.help(
                    "keep what is looked up in a system that can be asked, and ask it in a step",
                ));
                break;
            }
            rows.push(record.iter().map(str::to_owned).collect());
            continue;
        }
        wrong += 1;
        if wrong > MOST_REPORTED {
            let message = "more rows are not as long as the header, and the rest is not read";
            out.push(
                Diagnostic::error("bad-table", source, line, message).also(header, "the header"),
            );
            break;
        }
        let message =
            format!("this row has {}, the header {}", cells(record.len()), cells(columns.len()));
        out.push(
            Diagnostic::error("bad-table", source, line, message)
                .also(header, "the header")
                .help("a value with a comma in it needs double quotes around it"),
        );
    }
    Some(Table { path: source.path.clone(), columns, rows })
}

fn check_header(source: &Arc<Source>, header: Span, columns: &[String], out: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            let message = format!("column {} has no name", index + 1);
            out.push(
                Diagnostic::error("bad-table", source, header, message)
                    .help("give it a name, or remove the comma too many"),
            );
        } else if let Some(first) = seen.insert(column, index) {
            let message =
                format!("columns {} and {} are both named `{column}`", first + 1, index + 1);
            out.push(
                Diagnostic::error("bad-table", source, header, message)
                    .help("name each column once"),
            );
        }
    }
}

fn cells(number: usize) -> String {
    if number == 1 { "1 cell".into() } else { format!("{number} cells") }
}

/// Returns the line on which the record that the reader saw at `start` stands.
fn line_at(source: &Source, start: usize) -> Span {
    let rest = source.text.get(start..).unwrap_or("");
    let start = start + (rest.len() - rest.trim_start_matches(['\n', '\r']).len());
    let line = source.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    Span::new(start, start + line.trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::{MOST_CELLS, MOST_COLUMNS, MOST_REPORTED, read};
    use crate::{diagnostic::Source, render::render};

    #[test]
    fn reads_trims_and_skips_empty_rows() {
        let mut out = Vec::new();
        let text =
            "\u{feff}greenhouse, goco\r\nFull-time ,full_time\r\n,\r\n\"Part, time\",part_time\r\n";
        let table = read(&Source::new("tables/t.csv", text), &mut out).expect("it is readable");
        assert_eq!(out, []);
        assert_eq!(table.columns, ["greenhouse", "goco"]);
        assert_eq!(table.rows, [["Full-time", "full_time"], ["Part, time", "part_time"]]);
    }

    #[test]
    fn reports_every_bad_row_with_its_line() {
        let mut out = Vec::new();
        let text = "a,b,a,\n1,2,3,4\n\n1,2\n\"x\n y\",1,1,1\n1,2,3,4,5\n";
        read(&Source::new("tables/t.csv", text), &mut out);
        let places: Vec<_> = out
            .iter()
            .map(|one| (one.source.line_col(one.span.start).0, one.message.as_str()))
            .collect();
        let wanted = [
            (1, "columns 1 and 3 are both named `a`"),
            (1, "column 4 has no name"),
            (4, "this row has 2 cells, the header 4 cells"),
            (7, "this row has 5 cells, the header 4 cells"),
        ];
        assert_eq!(places, wanted, "{}", render(&out, false));
    }

    #[test]
    fn no_more_is_read_than_people_write() {
        let read = |text: String| {
            let mut out = Vec::new();
            let table = super::read(&Source::new("tables/x.csv", text), &mut out);
            (table.map_or(0, |table| table.rows.len()), out)
        };
        let (rows, out) = read(format!("a,b\n{}", "x,y\n".repeat(MOST_CELLS / 2 + 1)));
        assert_eq!((rows, out.len(), out[0].code), (MOST_CELLS / 2, 1, "too-large"));
        let (_, out) = read("a,".repeat(MOST_COLUMNS) + "b\n");
        assert_eq!((out.len(), out[0].code), (1, "too-large"));
        let (_, out) = read(format!("a,b\n{}", "x\n".repeat(1_000)));
        assert_eq!(out.len(), MOST_REPORTED + 1);
        assert!(out[MOST_REPORTED].message.starts_with("more rows"));
    }
}
