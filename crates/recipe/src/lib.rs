//! The recipe language: YAML text in, a checked [`Recipe`] or a list of [`Diagnostic`]s out.
//!
//! No I/O, no clock, no async. The machine in `engine` runs what this crate checks.

mod cases;
mod catalogue;
mod check;
mod connections;
mod cores;
mod declaration;
mod declare;
mod diagnostic;
mod document;
mod durations;
mod editor;
mod expression;
mod failure_codes;
mod fields;
mod fix;
mod functions;
mod given;
mod infer;
mod json_schema;
mod payload;
mod project;
mod recipe;
mod render;
mod runner_settings;
mod schema;
mod scope;
#[cfg(test)]
mod seen;
mod suggest;
mod table;
mod values;
mod yaml;

pub use cases::{
    Case, CaseEvent, Cases, Change, EventFrom, Expect, Expected, ExpectedError, ExpectedStep,
    ExpectedWarning, Fail, FailKind, LookedUp, Matcher, Mismatch, Pattern, Range, Recording, Reply,
    Script, Selector, example, read_cases,
};
pub use catalogue::{
    ActionSpec, Catalogue, ConnectorSpec, EffectSpec, Examine, Flaw, TriggerKind, TriggerSpec,
};
pub use cores::on_every_core;
pub use declaration::Declaration;
pub use diagnostic::{Diagnostic, Severity, Source, Span};
pub use durations::parse as read_duration;
pub use editor::{connections_schema, recipe_schema, runner_schema, test_schema};
pub use expression::{EvalError, Expression, Part, Read, Template};
pub use failure_codes::THAT_MAY_PASS;
pub use fix::{Fix, fixed};
pub use functions::{Form, Function, Nulls, Parameter, Wants, functions, limits, normalize_name};
pub use given::{fit, read_words};
pub use infer::{
    Environment, Facts, StepSight, Unsaid, condition_may_fail, infer, infer_condition,
    infer_template, may_fail, narrow, template_may_fail,
};
pub use json_schema::from_json_schema;
pub use payload::{Fields, Items, NoPayload, Payload, View};
pub use project::{
    Connection, Project, ProjectFiles, Property, RunnerSettings, check, check_again,
};
pub use recipe::{
    ActionStep, Block, CallStep, OnUnknown, OrderKey, Recipe, Retry, Settings, Start, Step,
    StepKind, StopStatus, Trigger, Wait, WaitFor, steps_in,
};
pub use render::render;
pub use schema::{Declared, Field, Format, Object, Place, Shape, Text, Type};
pub use scope::{Scope, Steps};
pub use table::{RowWatch, Table, Tables};
