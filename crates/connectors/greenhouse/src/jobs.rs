//! Jobs, with their departments and offices.
//!
//! <https://developers.greenhouse.io/webhooks.html#candidate-or-prospect-hired>

use connector::{Failure, View};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    custom_fields::{self, CustomFields},
    place::Place,
};

/// A job somebody is hired for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Job {
    /// Its id.
    pub id: Option<String>,
    /// Its name, which need not be the title of the person hired.
    pub name: Option<String>,
    /// The company's own number for it.
    pub requisition_id: Option<String>,
    /// Whether it is confidential.
    pub confidential: Option<bool>,
    /// When it was opened.
    #[schemars(extend("format" = "date-time"))]
    pub opened_at: Option<String>,
    /// When it was closed.
    #[schemars(extend("format" = "date-time"))]
    pub closed_at: Option<String>,
    /// Its departments, usually one.
    pub departments: Vec<Department>,
    /// Its offices, often several.
    pub offices: Vec<Office>,
    /// Its custom fields, by key.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.job"))]
    pub custom_fields: CustomFields,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Department {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// The company's own id for it.
    pub external_id: Option<String>,
}

/// An office.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Office {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it is, as free text.
    pub location: Option<String>,
    /// The company's own id for it.
    pub external_id: Option<String>,
}

impl Job {
    /// Reads a job, in the names of `jobs` or of the deprecated `job`.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(place) = place.map()? else { return Ok(None) };
        Ok(Some(Self {
            id: place.at("id").id()?,
            name: place.at("name").text()?,
            requisition_id: place.at("requisition_id").text()?,
            confidential: place.at("confidential").flag()?,
            opened_at: place.at_any(&["opened_at", "open_date"]).moment()?,
            closed_at: place.at_any(&["closed_at", "close_date"]).moment()?,
            departments: place.at("departments").list(Department::read)?,
            offices: place.at("offices").list(Office::read)?,
            custom_fields: custom_fields::read(&place.at("custom_fields"))?,
        }))
    }
}

impl Department {
    /// Reads one; one without a name is none.
    fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(name) = place.at("name").text()? else { return Ok(None) };
        let (id, external_id) = (place.at("id").id()?, place.at("external_id").text()?);
        Ok(Some(Self { id, name, external_id }))
    }
}

impl Office {
    /// Reads one; one without a name is none. The API has a map in `location` where webhooks have a text.
    fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(name) = place.at("name").text()? else { return Ok(None) };
        let location = place.at("location");
        let location =
            if matches!(location.view(), View::Map(_)) { location.at("name") } else { location };
        Ok(Some(Self {
            id: place.at("id").id()?,
            name,
            location: location.text()?,
            external_id: place.at("external_id").text()?,
        }))
    }
}
