//! The connector as a value: its connection, its triggers and its actions.

use std::time::Duration;

use connector::{Action, Connector, Trigger};

use crate::{
    account::{self, Account},
    applications::get_application,
    attachments::list_attachments,
    candidates::get_candidate,
    checkup, custom_fields, hired,
    hires::list_hires,
    missed, notes, offer_approved,
    offers::get_current_offer,
    settings, unhired,
};

/// How often missed hires are read back: Greenhouse itself repeats a webhook for about 15 hours.
const EVERY: Duration = Duration::from_hours(12);

/// Returns the connector `greenhouse`.
pub fn connector() -> Connector {
    custom_fields::declare(Connector::new(
        "greenhouse",
        "Greenhouse Recruiting, the applicant tracking system.",
        account::open,
        checkup::check,
    ))
    .lints(settings::lints)
    .trigger(
        Trigger::new::<hired::HiredSettings, hired::Hire>(
            "hired",
            hired::SUMMARY,
            hired::SET_UP,
            hired::verify,
            hired::decode,
        )
        .catches_up(EVERY, missed::read),
    )
    .trigger(Trigger::new::<unhired::UnhiredSettings, unhired::Unhire>(
        "unhired",
        unhired::SUMMARY,
        unhired::SET_UP,
        unhired::verify,
        unhired::decode,
    ))
    .trigger(Trigger::new::<offer_approved::OfferApprovedSettings, offer_approved::Approval>(
        "offer_approved",
        offer_approved::SUMMARY,
        offer_approved::SET_UP,
        offer_approved::verify,
        offer_approved::decode,
    ))
    .action(Action::read(
        "get_current_offer",
        "Reads an application's current offer.",
        get_current_offer,
    ))
    .action(Action::read("get_candidate", "Reads a candidate.", get_candidate))
    .action(Action::read("get_application", "Reads an application.", get_application))
    .action(Action::read(
        "list_hires",
        "Lists who was hired since a moment, without those whose hire was taken back.",
        list_hires,
    ))
    .action(Action::read(
        "list_attachments",
        "Lists a candidate's or an application's documents, with fresh links.",
        list_attachments,
    ))
    .action(
        Action::write("add_note", "Adds a note to a candidate's activity feed.", notes::add_note)
            .once(notes::once_key)
            .look_up(notes::SETTLE, notes::look_up)
            .settle_of(|account: &Account| account.settle),
    )
}
