//! What people type who come from Workato, Ruby, Jinja or JavaScript, and how it is said here. These are hints, not other
//! names: each thing has one.

/// Returns how to say here what has that name elsewhere.
pub(crate) fn cure(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches(['?', '!']);
    ELSEWHERE.iter().find(|(names, _)| names.contains(&name)).map(|(_, cure)| *cure)
}

const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["blank"], "write `value is empty`"),
    (&["present"], "write `value is not empty`"),
    (&["nil", "isnull", "is_null"], "write `value is none`"),
    (
        &["include", "includes", "has", "has_key", "in"],
        "write `part in value`, or `value | contains(part)`",
    ),
    (&["exclude"], "write `part not in value`"),
    (&["d", "coalesce", "ifnull", "nvl"], "write `value | default(otherwise)`"),
    (&["upcase", "uppercase", "toUpperCase", "to_upper"], "write `text | upper`"),
    (&["downcase", "lowercase", "toLowerCase", "to_lower", "casefold"], "write `text | lower`"),
    (&["titleize", "titlecase"], "write `text | title`"),
    (&["strip", "chomp"], "write `text | trim`"),
    (&["lstrip", "trimStart"], "write `text | trim_start`"),
    (&["rstrip", "trimEnd"], "write `text | trim_end`"),
    (&["ljust", "padEnd"], "write `text | pad_end(length, sign)`"),
    (&["rjust", "zfill", "padStart"], "write `text | pad_start(length, sign)`"),
    (
        &["gsub", "sub", "replaceAll", "regex_replace"],
        "write `text | replace(old, new)`, or `replace_pattern` with a regular expression",
    ),
    (&["match", "match_pattern", "regex", "test"], "write `text | matches('pattern')`"),
    (&["scan", "findall"], "write `text | find_all('pattern')`"),
    (&["smart_join"], "write `list | compact | join(', ')`"),
    (&["concat"], "write `list + other`, or `text ~ text`"),
    (&["parameterize", "slugify"], "write `text | slug`"),
    (&["slice", "substring", "substr"], "write `value[from:to]`"),
    (&["size", "len", "count"], "write `value | length`"),
    (&["bytes", "bytesize", "byteslice"], "texts are counted in characters: `text | length`"),
    (&["to_s", "string", "str", "toString"], "write `value | text`"),
    (&["to_i", "integer", "parseInt"], "write `value | int`"),
    (
        &["to_f", "float", "to_number", "parseFloat"],
        "write `text | number`, or `parse_number(',', '.')`",
    ),
    (
        &["to_currency", "to_phone", "number_format"],
        "write `number | format_number(2)`, or `text | phone('GB')`",
    ),
    (&["even"], "write `number % 2 == 0`"),
    (&["odd"], "write `number % 2 == 1`"),
    (&["ceiling"], "write `number | ceil`"),
    (&["avg", "mean"], "write `list | average`"),
    (&["dig"], "write `value.a.b`: reading through null gives null"),
    (
        &["map", "collect", "attr"],
        "write `list | pluck('field')`; there is no function for each item: use `for_each`",
    ),
    (
        &["select", "filter", "selectattr", "find_by"],
        "write `list | where(field=value)`, or `where_field('field', '>', value)`",
    ),
    (&["reject", "rejectattr"], "write `list | where_not(field=value)`"),
    (&["uniq", "distinct"], "write `list | unique`"),
    (&["flat", "flat_map"], "write `list | flatten`"),
    (&["groupby", "groupBy"], "write `list | group_by('field')`"),
    (&["in_groups_of", "each_slice", "batch"], "write `list | chunk(size)`"),
    (&["sort_by", "sortBy", "dictsort"], "write `list | sort('field')`"),
    (&["intersection"], "write `list | common(other)`"),
    (&["except"], "write `map | omit(['name'])`, or `list | without(other)`"),
    (&["items", "to_a", "each"], "write `map | entries`"),
    (
        &["strftime", "date_format", "dateformat", "to_time"],
        "write `date | format_date('%d %B %Y')`",
    ),
    (&["to_date", "parse_date", "strptime"], "write `text | date('%d/%m/%Y')`"),
    (&["to_datetime"], "write `text | datetime(zone)`, or `parse_datetime(format, zone)`"),
    (&["in_time_zone", "tz"], "write `moment | in_zone('Europe/London')`"),
    (
        &[
            "beginning_of_day",
            "beginning_of_week",
            "beginning_of_month",
            "beginning_of_year",
            "beginning_of_hour",
            "startOf",
        ],
        "write `date | start_of('month')`",
    ),
    (
        &["end_of_day", "end_of_week", "end_of_month", "end_of_year", "endOf"],
        "write `date | end_of('month')`",
    ),
    (
        &["ago", "from_now", "days", "hours", "weeks", "months", "years"],
        "write `now() | add_time(-2, 'day', zone)`",
    ),
    (&["wday", "dayname"], "write `date | weekday`"),
    (&["yweek", "cweek"], "write `date | format_date('%V')`"),
    (&["to_param", "to_query", "urlencode"], "write `map | query`, or `text | url_encode`"),
    (&["encode_url", "encodeURIComponent"], "write `text | url_encode`"),
    (&["to_json", "dump", "stringify"], "write `value | json`"),
    (&["from_json", "parse", "fromjson"], "write `text | parse_json`"),
    (&["encode_base64", "b64encode"], "write `text | base64`"),
    (&["decode_base64", "b64decode"], "write `text | base64_decode`"),
    (&["encode_urlsafe_base64"], "write `text | base64url`"),
    (&["decode_urlsafe_base64"], "write `text | base64url_decode`"),
    (&["encode_hex"], "write `text | hex`"),
    (&["encode_sha256"], "write `text | sha256`"),
    (
        &[
            "hmac_sha256",
            "hmac_sha1",
            "hmac_sha512",
            "hmac_md5",
            "jwt_encode_rs256",
            "workato.jwt_encode",
        ],
        "expressions see no secrets: connectors sign what they send",
    ),
    (&["md5", "md5_hexdigest", "sha1"], "write `text | sha256`"),
    (
        &["random", "rand", "secure_random"],
        "an expression gives the same whenever it is asked: make an id with `text | uuid`",
    ),
    (
        &["null", "clear", "skip"],
        "write the word `clear` alone to empty a field; leave an input out, or null, not to send it",
    ),
    (&["data_table_lookup", "find_by_table"], "write `lookup('table', column=value)`"),
    (
        &["from_xml", "to_xml", "xml"],
        "there is no XML: ask the system for JSON, or let a connector read it",
    ),
    (
        &["safe", "escape", "e"],
        "nothing is escaped here; `url_encode` and `json` make a text safe for its place",
    ),
];
