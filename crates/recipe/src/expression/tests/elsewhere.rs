//! The page for people who come from Workato: every expression on it gives what it says there; and every hint for a name
//! from elsewhere leads to something that exists.

use serde_json::Value;

use super::{evaluate, parse};
use crate::{expression::elsewhere::cure, functions};

const PAGE: &str = include_str!("../../../../../docs/from-workato.md");

#[test]
fn every_expression_on_the_page_gives_what_it_says() {
    let mut shown = 0;
    for line in PAGE.lines().filter(|line| line.starts_with('|') && line.contains("` → `")) {
        let line = line.replace("\\|", "|");
        for pair in line.split("` → `").collect::<Vec<_>>().windows(2) {
            let expression = pair[0].rsplit('`').next().unwrap_or_default();
            let value = pair[1].split('`').next().unwrap_or_default();
            let expected: Value = serde_json::from_str(value)
                .unwrap_or_else(|wrong| panic!("{expression}: {value}: {wrong}"));
            assert_eq!(evaluate(expression), Ok(expected), "{expression}");
            shown += 1;
        }
    }
    assert!(shown >= 80, "only {shown} expressions were found");
}

#[test]
fn every_hint_for_a_name_from_elsewhere_names_what_exists() {
    let known: Vec<&str> = functions().map(|function| function.name).collect();
    let names = "blank? present? nil? include? upcase downcase titleize strip lstrip rstrip ljust rjust gsub sub scan match? \
                 smart_join parameterize slice size to_s to_i to_f to_currency to_phone even? odd? dig map select reject uniq \
                 flat groupby in_groups_of sort_by intersection except strftime to_date in_time_zone beginning_of_month \
                 end_of_month ago wday to_param to_json from_json encode_base64 decode_base64 encode_hex encode_sha256 \
                 hmac_sha256 md5 random null data_table_lookup from_xml safe d coalesce";
    for name in names.split_whitespace() {
        let hint = cure(name).unwrap_or_else(|| panic!("no hint for `{name}`"));
        assert!(
            !known.contains(&name) || name == "in",
            "`{name}` exists, so nobody is shown its hint"
        );
        for code in hint.split('`').skip(1).step_by(2) {
            if let Some((_, filter)) = code.split_once(" | ") {
                let called = filter.split(['(', ' ']).next().unwrap_or_default();
                assert!(known.contains(&called), "{name}: `{called}` does not exist");
            }
        }
    }
    assert_eq!(cure("wibblewobble"), None);
    assert!(parse("event.name | upcase").is_err(), "a hint is no other name");
    // What stands before a question mark may be of several bytes.
    assert!(parse("event.a 😀é?").is_err());
}
