//! `call`, `wait` and `wait_for`: steps that go on when something else has happened.

use crate::{
    document::{Call, Kind, Text, Wait, WaitFor, declared, steps::with},
    durations,
    expression::Template,
    fields::{Fields, Report},
    yaml::{Key, Node, Value},
};

pub(super) fn call(report: &mut Report<'_>, fields: &mut Fields, key: &Key, value: Node) -> Kind {
    let target = report.constant(key, value);
    let with = with(report, fields);
    let background = fields
        .take("background")
        .and_then(|(key, node)| report.boolean(&key, &node))
        .unwrap_or(false);
    Kind::Call(Call { target, with, background })
}

pub(super) fn wait(report: &mut Report<'_>, key: &Key, value: &Node) -> Kind {
    let Value::Text(text) = &value.value else {
        return Kind::Wait(report.duration(key, value).map(Wait::For));
    };
    if text.contains("{{") {
        let template = Template::parse(text, value.span, report.source);
        return Kind::Wait(match template {
            Ok(template) => Some(Wait::Until(template, value.span)),
            Err(found) => {
                report.out.extend(found);
                None
            }
        });
    }
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Kind::Wait(Some(Wait::Until(Template::Constant(text.clone().into()), value.span)));
    }
    match durations::parse(text) {
        Ok(duration) => Kind::Wait(Some(Wait::For(duration))),
        Err(_) if text.parse::<jiff::civil::Date>().is_ok() => {
            let message = format!("`{text}` is a day: a wait ends at a moment of it");
            report
                .error("wrong-type", value.span, message)
                .help
                .push(format!("write the moment with its zone: `wait: {text}T09:00:00Z`"));
            Kind::Wait(None)
        }
        Err(why) => {
            let help = &mut report.error("bad-duration", value.span, why).help;
            help.push(durations::FORMAT.into());
            help.push("an expression is written in braces: `wait: \"{{ … }}\"`".into());
            Kind::Wait(None)
        }
    }
}

pub(super) fn wait_for(
    report: &mut Report<'_>,
    fields: &mut Fields,
    key: &Key,
    value: Node,
) -> Kind {
    let answer = declared::fields(report, key, value);
    let ask = fields
        .take("ask")
        .map(|(key, node)| Text { span: node.span, template: report.text_template(&key, node) });
    let given = fields.take("timeout");
    let timeout = given.as_ref().and_then(|(key, node)| report.duration(key, node));
    let default = fields.take("default");
    if let (Some((default, _)), None) = (&default, &given) {
        report
            .error("missing-key", default.span, "a `default` needs a `timeout` beside it")
            .help
            .push("say how long an answer is waited for: `timeout: 3d`".into());
    }
    if let (Some((key, node)), Some(answer)) = (&default, &answer) {
        declared::answer(report, key, node, answer);
    }
    Kind::WaitFor(WaitFor { answer, ask, timeout, default })
}
