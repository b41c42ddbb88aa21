//! Templates into HTML: everything is escaped, and every page has the same frame.

use std::sync::LazyLock;

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use connector::http::Planned;
use jiff::Timestamp;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, Value, value::Serde};
use serde_json::Value as Json;

use crate::http::{
    Site,
    access::{Person, Role},
};

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [
        ("frame.html", include_str!("../templates/frame.html")),
        ("job.html", include_str!("../templates/job.html")),
        ("jobs.html", include_str!("../templates/jobs.html")),
        ("overview.html", include_str!("../templates/overview.html")),
        ("problem.html", include_str!("../templates/problem.html")),
        ("audit.html", include_str!("../templates/audit.html")),
        ("connections.html", include_str!("../templates/connections.html")),
        ("deliveries.html", include_str!("../templates/deliveries.html")),
        ("delivery.html", include_str!("../templates/delivery.html")),
        ("recipe.html", include_str!("../templates/recipe.html")),
        ("try.html", include_str!("../templates/try.html")),
        ("tokens.html", include_str!("../templates/tokens.html")),
        ("sign_in.html", include_str!("../templates/sign_in.html")),
    ] {
        templates.add_template(name, text).expect("our templates are well-formed");
    }
    templates.add_filter("time", time);
    templates.add_filter("badge", badge);
    templates.add_filter("pretty", pretty);
    templates.add_filter("words", |text: &str| text.replace('_', " "));
    templates.add_filter("size", size);
    templates.add_filter("coded", coded);
    templates.add_filter("request", written);
    templates.add_filter("escaped", |text: &str| crate::desk::escaped(text));
    templates
});

/// What a template is given: names with values, each serialised; `name` alone stands for the variable of that name, and
/// `..other` for what another object has besides.
macro_rules! shown {
    ($($name:ident $(=> $value:expr)?),* $(, ..$rest:expr)? $(,)?) => {{
        let mut shown = serde_json::Map::new();
        $($crate::http::pages::render::put(&mut shown, stringify!($name), $crate::http::pages::render::shown!(@ $name $(=> $value)?));)*
        $($crate::http::pages::render::extend(&mut shown, &$rest);)?
        serde_json::Value::Object(shown)
    }};
    (@ $name:ident => $value:expr) => { &$value };
    (@ $name:ident) => { &$name };
}
pub(super) use shown;

/// Adds a value to what a template is given.
pub fn put(shown: &mut serde_json::Map<String, Json>, name: &str, value: &impl serde::Serialize) {
    shown.insert(name.into(), serde_json::to_value(value).expect("our own values serialise"));
}

/// Adds what another object has besides.
pub fn extend(shown: &mut serde_json::Map<String, Json>, other: &Json) {
    for (name, value) in other.as_object().into_iter().flatten() {
        shown.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// Returns a request that was not sent, for the filter `request`; `fit` cuts its parts to the room they have.
pub fn request(request: &Planned, mut fit: impl FnMut(String) -> String) -> Json {
    let headers = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    let body = &request.body;
    let body = if body.is_null() { String::new() } else { format!("{body:#}") };
    let line = fit(format!("{} {}", request.method, request.url));
    shown! { line, headers => fit(headers.collect()), body => fit(body) }
}

/// What a page says about itself.
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// The entry of the menu it belongs to.
    pub menu: &'a str,
    /// Its template.
    pub template: &'a str,
    /// Whether it changes while it is looked at.
    pub live: bool,
}

/// Returns a page for somebody.
pub fn page(site: &Site, person: &Person, page: &Page<'_>, context: &Json) -> Response {
    let shown = shown! {
        csrf => person.csrf, may_act => person.role >= Role::Operator, is_admin => person.role == Role::Admin,
        ..context
    };
    let (status, body) = render(page.template, &shown);
    let project = site.service.dir.canonicalize().ok();
    let project = project
        .as_deref()
        .and_then(std::path::Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let framed = shown! {
        title => page.title, menu => page.menu, live => page.live, body,
        csrf => person.csrf, name => person.name, role => person.role.word(), project => project,
        may_act => person.role >= Role::Operator, is_admin => person.role == Role::Admin,
    };
    (status, Html(render("frame.html", &framed).1)).into_response()
}

/// Returns a page without a menu, for nobody in particular.
pub fn bare(template: &str, title: &str, context: &Json) -> Response {
    let (status, body) = render(template, context);
    (status, Html(render("frame.html", &shown! { title, body }).1)).into_response()
}

fn render(template: &str, context: &Json) -> (StatusCode, String) {
    let rendered = TEMPLATES
        .get_template(template)
        .and_then(|template| template.render(Value::from(Serde(context))));
    match rendered {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => {
            tracing::error!(template, %error, "a page could not be rendered");
            let words = "<p>This page could not be made; the log says why.</p>";
            (StatusCode::INTERNAL_SERVER_ERROR, words.into())
        }
    }
}

/// A moment, in UTC; the script tells it in the viewer's zone.
fn time(value: &Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return Ok(Value::from("")) };
    let at: Timestamp = text.parse().map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, format!("`{text}` is no moment: {error}"))
    })?;
    let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    Ok(Value::from_safe_string(format!("<time datetime=\"{at:.3}\">{shown}</time>")))
}

/// A status as a coloured word.
fn badge(word: &str) -> Value {
    // The words are ours: letters and `_`.
    let class: String =
        word.chars().filter(|one| one.is_ascii_lowercase() || *one == '_').collect();
    Value::from_safe_string(format!(
        "<span class=\"badge {class}\">{}</span>",
        class.replace('_', " ")
    ))
}

/// A value as indented JSON.
fn pretty(value: &Value) -> Result<String, Error> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// A request that was not sent: where it would go, its headers, what it carries.
fn written(request: &Value) -> Result<Value, Error> {
    let part = |name| -> Result<String, Error> {
        let part = request.get_attr(name)?;
        Ok(HtmlEscape(part.as_str().unwrap_or_default()).to_string())
    };
    let (line, headers, body) = (part("line")?, part("headers")?, part("body")?);
    Ok(Value::from_safe_string(format!(
        "<pre class=\"request\"><strong>{line}</strong>\n<span class=\"faint\">{headers}</span>{body}</pre>"
    )))
}

/// What stands between backticks, as code: our messages write names of things so.
fn coded(text: &str) -> Value {
    let escaped = HtmlEscape(text).to_string();
    let mut parts = escaped.split('`');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    while let Some(code) = parts.next() {
        // One that nobody closed is a letter like others.
        let Some(after) = parts.next() else {
            shown.push('`');
            shown.push_str(code);
            break;
        };
        shown.extend(["<code>", code, "</code>", after]);
    }
    Value::from_safe_string(shown)
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / (1024 * 1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_are_code_and_everything_is_escaped() {
        for (text, shown) in [
            ("`a` is not `<b>`", "<code>a</code> is not <code>&lt;b&gt;</code>"),
            ("one ` alone", "one ` alone"),
            ("`a` and ` alone", "<code>a</code> and ` alone"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(coded(text).to_string(), shown);
        }
    }
}
