//! `JSONPath` (RFC 9535): what paths find, which are refused, and that none takes more than its share.

use serde_json::{Value, json};

use super::{event, parse, scope};

fn staff() -> Value {
    json!({
        "people": [
            { "name": "Ann", "age": 41, "mails": ["ann@home.example", "ann@work.example"], "boss": null },
            { "name": "Bo", "age": 29, "mails": [], "boss": "Ann" },
            { "name": "Cy", "age": 29.0, "boss": "Bo", "left": true },
        ],
        "sites": { "north": { "city": "Oslo", "size": 3 }, "south": { "city": "Bari", "size": 7 } },
        "oldest": "Ann",
        "odd name": { "a.b": 1, "it's": 2, "é": 3, "": 4 },
        "grid": [[1, 2], [3, [4, 5]], []],
        "row": [0, 1, 2, 3, 4, 5],
    })
}

fn find(path: &str) -> Result<Value, String> {
    let mut scope = scope();
    scope.event = event(staff());
    let text = format!("event | jsonpath({})", Value::from(path));
    let expression = parse(&text).map_err(|wrong| wrong[0].message.clone())?;
    expression.evaluate(&scope).map_err(|error| error.message)
}

#[test]
fn paths_find_what_the_standard_says() {
    let table: &[(&str, Value)] = &[
        // Names and places.
        ("$.oldest", json!(["Ann"])),
        ("$['oldest']", json!(["Ann"])),
        ("$[\"oldest\"]", json!(["Ann"])),
        ("$.nobody", json!([])),
        ("$.oldest.name", json!([])),
        ("$.people.name", json!([])),
        ("$['odd name']['a.b']", json!([1])),
        (r"$['odd name']['it\'s']", json!([2])),
        ("$['odd name'].é", json!([3])),
        (r"$['odd name']['\u00e9']", json!([3])),
        ("$['odd name']['']", json!([4])),
        ("$.row[0]", json!([0])),
        ("$.row[-1]", json!([5])),
        ("$.row[6]", json!([])),
        ("$.row[-7]", json!([])),
        ("$.sites[0]", json!([])),
        ("$ .row [1]", json!([1])),
        // Several at once, in the order they are asked for, twice if asked twice.
        ("$.row[1, 0, 1]", json!([1, 0, 1])),
        ("$.sites['south', 'north'].city", json!(["Bari", "Oslo"])),
        ("$.people[*].name", json!(["Ann", "Bo", "Cy"])),
        ("$.sites.*.size", json!([3, 7])),
        ("$.oldest[*]", json!([])),
        ("$.row[0, 4:]", json!([0, 4, 5])),
        // Slices.
        ("$.row[1:3]", json!([1, 2])),
        ("$.row[:2]", json!([0, 1])),
        ("$.row[-2:]", json!([4, 5])),
        ("$.row[::2]", json!([0, 2, 4])),
        ("$.row[::-2]", json!([5, 3, 1])),
        ("$.row[3:0:-1]", json!([3, 2, 1])),
        ("$.row[4:1]", json!([])),
        ("$.row[::0]", json!([])),
        ("$.row[-100:100]", json!([0, 1, 2, 3, 4, 5])),
        ("$.oldest[0:1]", json!([])),
        // At any depth, each place with all its selectors before what lies below it.
        ("$..city", json!(["Oslo", "Bari"])),
        ("$.grid..[0]", json!([[1, 2], 1, 3, 4])),
        ("$.grid[1]..*", json!([3, [4, 5], 4, 5])),
        ("$..['city', 'size']", json!(["Oslo", 3, "Bari", 7])),
        ("$.sites..*..city", json!(["Oslo", "Bari"])),
        // Filters.
        ("$.people[?@.age == 29].name", json!(["Bo", "Cy"])),
        ("$.people[?@.age != 29].name", json!(["Ann"])),
        ("$.people[?@.age > 29].name", json!(["Ann"])),
        ("$.people[?@.age >= 29 && @.age < 40].name", json!(["Bo", "Cy"])),
        ("$.people[?@.left || @.name == 'Ann'].name", json!(["Ann", "Cy"])),
        ("$.people[?!@.left].name", json!(["Ann", "Bo"])),
        ("$.people[?!(@.left || @.age > 40)].name", json!(["Bo"])),
        ("$.people[?@.boss == null].name", json!(["Ann"])),
        ("$.people[?@.boss].name", json!(["Ann", "Bo", "Cy"])),
        ("$.people[?@.boss == $.oldest].name", json!(["Bo"])),
        ("$.people[?@.name < 'B'].name", json!(["Ann"])),
        ("$.people[?@.name > 1].name", json!([])),
        ("$.people[?@.name >= 1 || @.gone == @.missing].name", json!(["Ann", "Bo", "Cy"])),
        ("$.people[?@.mails[?@ == 'ann@work.example']].name", json!(["Ann"])),
        ("$.sites[?@.size > 5].city", json!(["Bari"])),
        ("$.grid[?@[?@ > 1]]", json!([[1, 2], [3, [4, 5]]])),
        ("$..[?@.city == 'Oslo'].size", json!([3])),
        // Functions.
        ("$.people[?length(@.name) == 3].name", json!(["Ann"])),
        ("$.people[?length(@.mails) == 0].name", json!(["Bo"])),
        ("$.people[?length(@.age) == 2].name", json!([])),
        ("$.people[?count(@.mails[*]) > 1].name", json!(["Ann"])),
        ("$.people[?value(@..age) == 41].name", json!(["Ann"])),
        ("$.people[?match(@.name, '[A-B].*')].name", json!(["Ann", "Bo"])),
        ("$.people[?match(@.name, 'n')].name", json!([])),
        ("$.people[?search(@.name, 'n')].name", json!(["Ann"])),
        ("$.people[?search(@.name, '(')].name", json!([])),
        ("$.people[?search(@.age, '4')].name", json!([])),
    ];
    for (path, expected) in table {
        let found = find(path).unwrap_or_else(|wrong| panic!("{path}: {wrong}"));
        assert_eq!(&found, expected, "{path}");
    }
}

#[test]
fn what_is_no_path_is_refused_when_it_is_read() {
    let not_a_path = |path: &str| {
        format!("`{path}` is not a JSONPath (RFC 9535); paths look like `$.a[?@.b=='c'].d`")
    };
    for path in [
        "",
        "people",
        "$.",
        "$..",
        "$.people[",
        "$.row[01]",
        "$.row[1.0]",
        "$.row[9007199254740992]",
        "$[people]",
        "$.people[?]",
        "$.people[?@.a = 1]",
        "$.people[?@.* == 1]",
        " $.row",
        "$.row ",
        "$.people[?@.mails == []]",
        r"$['\x']",
        "$['a\u{1}b']",
    ] {
        assert_eq!(find(path), Err(not_a_path(path)), "{path}");
    }
    let table = [
        ("$[?length(@.*) < 3]", "`length(…)` in a path needs one value, such as `@.name`"),
        ("$[?count(@..*)]", "`count(…)` gives a value, which must be compared"),
        ("$[?match(@.a, 'b') == true]", "`match(…)` is true or false already and is not compared"),
        (
            "$[?upper(@.a) == 'B']",
            "a path has no function `upper`; there are `length`, `count`, `value`, `match` and `search`",
        ),
        ("$[?search(@..a, 'b')]", "`search(…)` in a path needs one value, such as `@.name`"),
    ];
    for (path, message) in table {
        let found = find(path).expect_err(path);
        // Some are refused by the reader of paths already, with its own words.
        assert!(found == message || found == not_a_path(path), "{path}: {found}");
    }
    assert_eq!(
        find(&format!("${}", ".a".repeat(300))),
        Err("a path of 601 bytes; at most 512 are allowed".into())
    );
    assert_eq!(
        find(&format!("${}{}", "[?@".repeat(40), "]".repeat(40))),
        Err("a path has brackets more than 12 deep".into())
    );
}

/// Whatever is asked of a large value ends: found, or refused for what it would cost. Without the limit the first of
/// these paths would take all the memory there is.
#[test]
fn no_path_takes_more_than_its_share() {
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner, inner_leaf()]));
    let wide: Value =
        (0..20_000).map(|index| json!({ "id": index, "t": "x".repeat(20) })).collect();
    let values = [nested(60), nested(100), wide, json!({ "text": "a".repeat(1 << 20) })];
    let paths = [
        "$..*..*..*..*",
        "$..*..*..*..*..*..*..*..*",
        "$..[*,*,*,*]..[*,*,*,*]..[*,*,*,*]",
        "$[*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*]",
        "$..[?count($..*) > 1]",
        "$[?count($..*) == 1]",
        "$[?@ == $]",
        "$..[?@..[?@..[?@..*]]]",
        "$..[?search(@, '(a|b|ab)*c')]",
        "$[?match(@, '(((a?){50}){5}){5}')]",
        "$..*",
    ];
    let mut scope = scope();
    let mut refused = 0;
    for value in values {
        scope.event = event(value);
        for path in paths {
            let expression = parse(&format!("event | jsonpath({})", Value::from(path))).unwrap();
            if let Err(error) = expression.evaluate(&scope) {
                assert_eq!(error.code, "too_expensive", "{path}");
                refused += 1;
            }
        }
    }
    assert!(refused >= 15, "only {refused} were refused");
}

fn inner_leaf() -> Value {
    json!({ "a": 1 })
}
