//! The lines in which two texts differ.

/// Above this, a table of all pairs of lines is not worth its time; the texts are shown whole.
const MOST_PAIRS: usize = 1_000_000;

/// Returns the lines of both texts, marked `-` (only in `expected`), `+` (only in `got`) or a space (in both); nothing
/// when neither has more than one line.
pub(super) fn lines(expected: &str, got: &str) -> Vec<String> {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    if left.len() <= 1 && right.len() <= 1 {
        return Vec::new();
    }
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    if left.len().saturating_mul(right.len()) <= MOST_PAIRS {
        let common = common_below(&left, &right);
        while i < left.len() && j < right.len() {
            if left[i] == right[j] {
                out.push(format!("  {}", left[i]));
                (i, j) = (i + 1, j + 1);
            } else if common[i + 1][j] >= common[i][j + 1] {
                out.push(format!("- {}", left[i]));
                i += 1;
            } else {
                out.push(format!("+ {}", right[j]));
                j += 1;
            }
        }
    }
    out.extend(left[i..].iter().map(|line| format!("- {line}")));
    out.extend(right[j..].iter().map(|line| format!("+ {line}")));
    out
}

/// Returns, for each pair of places, how many lines the rests from there on have in common.
fn common_below(left: &[&str], right: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn keeps_what_both_have_and_marks_the_rest() {
        assert_eq!(lines("a\nb\nc", "a\nc\nd"), ["  a", "- b", "  c", "+ d"]);
        assert_eq!(lines("a", "a\nb"), ["  a", "+ b"]);
        assert_eq!(lines("a\nb", ""), ["- a", "- b"]);
    }

    #[test]
    fn single_lines_need_no_diff() {
        assert!(lines("a", "b").is_empty());
    }

    #[test]
    fn texts_too_long_to_align_are_shown_whole() {
        let (one, other) = ("a\n".repeat(2000), "b\n".repeat(2000));
        let shown = lines(&one, &other);
        assert_eq!((shown.len(), shown[0].as_str(), shown[3999].as_str()), (4000, "- a", "+ b"));
    }
}
