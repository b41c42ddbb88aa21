//! Lookup tables: CSV files kept in git beside the recipes.

use std::{collections::BTreeMap, sync::Arc};

/// All tables of a project, by name (the file's name without `.csv`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// The tables.
    pub tables: BTreeMap<String, Arc<Table>>,
}

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
