//! Figures as people read them: the middle of some repetitions with the least and the most, in tables of Markdown.

/// Prints a table.
pub(crate) fn print(title: &str, columns: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n");
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// Returns the middle one.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the middle one with the least and the most.
pub(crate) fn spread(figures: &[f64], digits: usize) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = median(figures);
    if figures.len() < 2 {
        return format!("{middle:.digits$}");
    }
    format!("{middle:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// Prints whether a limit holds, and returns it.
pub(crate) fn limit(what: &str, holds: bool) -> bool {
    println!("\n{} {what}", if holds { "✓" } else { "✗" });
    holds
}
