//! The other lists: deliveries, connections, what people did, tokens.

use axum::response::Response;
use engine::DeliveryId;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Fault, PAGE, back,
    render::{self, Page, shown},
};
use crate::{
    doctor,
    http::{
        access::Role,
        api::{connection_lines, delivery_line, refused_line},
        extract::{Asked, At, Nothing, Posted},
        permission::{Admin, Operator, Viewer},
    },
    service::By,
};

/// How much of a body is shown.
const MOST_LETTERS: usize = 60_000;

/// How many refused deliveries are.
const MOST_REFUSED: usize = 20;

#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
    target: Option<String>,
}

#[derive(Deserialize)]
pub struct DeliveryPath {
    delivery: i64,
}

#[derive(Deserialize)]
pub struct NewToken {
    name: String,
    role: Role,
}

#[derive(Deserialize)]
pub struct Named {
    name: String,
}

pub async fn deliveries(may: Viewer, Asked(asked): Asked<Before>) -> Result<Response, Fault> {
    let service = &may.site.service;
    let found = service.deliveries(None, asked.before.map(DeliveryId), PAGE).await?;
    let lines: Vec<_> = found.into_iter().map(delivery_line).collect();
    let next = lines.last().filter(|_| lines.len() == PAGE).map(|one| one.delivery);
    // They are told on the first page only, however far back somebody reads.
    let refused =
        if asked.before.is_none() { service.engine.refused(None).await? } else { Vec::new() };
    let kept = refused.len();
    let refused: Vec<_> = refused.into_iter().take(MOST_REFUSED).map(refused_line).collect();
    let context = shown! {
        deliveries => lines, next, before => asked.before, more => kept - refused.len(), refused,
    };
    let page =
        Page { title: "Deliveries", menu: "deliveries", template: "deliveries.html", live: false };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

pub async fn delivery(may: Operator, At(path): At<DeliveryPath>) -> Result<Response, Fault> {
    let found = may.site.service.delivery(path.delivery).await?;
    let body = String::from_utf8_lossy(&found.body);
    let body: String = body.chars().take(MOST_LETTERS).collect();
    let context = shown! {
        id => found.id.0, recipe => found.recipe, received_at => found.received_at.to_string(), headers => found.headers,
        query => found.query, verdict => found.verdict, answered => found.answered, body, size => found.body.len(),
    };
    let title = format!("Delivery {}", path.delivery);
    let page = Page { title: &title, menu: "deliveries", template: "delivery.html", live: false };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

pub async fn replay(
    may: Operator,
    At(path): At<DeliveryPath>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Fault> {
    let job = may.site.service.replay(&By::page(&may.person.name), path.delivery).await?;
    Ok(back(&format!("/jobs/{job}")))
}

pub async fn connections(may: Viewer) -> Result<Response, Fault> {
    Ok(connections_page(&may.site, &may.person, None))
}

/// The check-up asks the vendors, so it is asked for.
pub async fn check_connections(may: Operator) -> Result<Response, Fault> {
    let mut sections = doctor::examine(&may.site.service, None).await?;
    sections.retain(|section| section.about.starts_with("connection "));
    Ok(connections_page(&may.site, &may.person, Some(&shown! { sections })))
}

fn connections_page(
    site: &crate::http::Site,
    person: &crate::http::access::Person,
    found: Option<&Value>,
) -> Response {
    let context = shown! { connections => connection_lines(&site.service), found };
    let page = Page {
        title: "Connections",
        menu: "connections",
        template: "connections.html",
        live: false,
    };
    render::page(site, person, &page, &context)
}

pub async fn audit(may: Operator, Asked(asked): Asked<Before>) -> Result<Response, Fault> {
    let store = may.site.service.engine.store();
    let found = store.audit(asked.target, asked.before, PAGE).await?;
    let next = found.last().filter(|_| found.len() == PAGE).map(|one| one.id);
    let actions: Vec<Value> = found
        .iter()
        .map(|one| shown! { at => one.at.to_string(), who => one.who, via => one.via, what => one.what, target => one.target, detail => one.detail })
        .collect();
    let context = shown! { actions, next };
    let page = Page { title: "Audit", menu: "audit", template: "audit.html", live: false };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

pub async fn tokens(may: Admin) -> Result<Response, Fault> {
    Ok(tokens_page(&may, None))
}

pub async fn add_token(may: Admin, Posted(asked): Posted<NewToken>) -> Result<Response, Fault> {
    let by = By::page(&may.person.name);
    let text = may.site.service.add_token(&by, &asked.name, asked.role).await?;
    // In the answer itself and not at another address: it is nowhere in a history.
    Ok(tokens_page(&may, Some(&shown! { name => asked.name, text })))
}

pub async fn revoke_token(may: Admin, Posted(asked): Posted<Named>) -> Result<Response, Fault> {
    may.site.service.revoke_token(&By::page(&may.person.name), &asked.name).await?;
    Ok(back("/tokens"))
}

fn tokens_page(may: &Admin, made: Option<&Value>) -> Response {
    let tokens = may.site.service.access.tokens();
    let tokens: Vec<Value> = tokens
        .iter()
        .map(|one| shown! { name => one.name, role => one.role, made_at => one.made_at.to_string(), own => one.name == may.person.name })
        .collect();
    let page = Page { title: "Tokens", menu: "tokens", template: "tokens.html", live: false };
    render::page(&may.site, &may.person, &page, &shown! { tokens, made })
}
