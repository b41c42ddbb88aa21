//! Ways to reach a person, and what a person has done before: shared by candidates from webhooks and from the API.
//!
//! <https://developers.greenhouse.io/webhooks.html#common-attributes>

use connector::{Failure, View};
use schemars::JsonSchema;
use serde::Serialize;

use crate::place::Place;

/// A phone number, an e-mail address or a postal address.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Contact {
    /// The number or address itself.
    pub value: String,
    /// What it is for, in lower case: phone numbers have `home`, `work`, `mobile`, `skype` or `other`, e-mail
    /// addresses `personal`, `work` or `other`, postal addresses `home`, `work` or `other`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A school.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Education {
    /// The school's name.
    pub school_name: Option<String>,
    /// The degree.
    pub degree: Option<String>,
    /// The subject.
    pub discipline: Option<String>,
    /// The first day.
    #[schemars(extend("format" = "date"))]
    pub start_date: Option<String>,
    /// The last day.
    #[schemars(extend("format" = "date"))]
    pub end_date: Option<String>,
}

/// A job the person had before.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Employment {
    /// The employer's name.
    pub company_name: Option<String>,
    /// The title there.
    pub title: Option<String>,
    /// The first day.
    #[schemars(extend("format" = "date"))]
    pub start_date: Option<String>,
    /// The last day.
    #[schemars(extend("format" = "date"))]
    pub end_date: Option<String>,
}

/// Somebody in the company: a recruiter, a coordinator, whoever the hire is credited to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Person {
    /// The Greenhouse user's id; null for somebody who is no user.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The employee number.
    pub employee_id: Option<String>,
}

impl Contact {
    /// Reads one; one without a value is none.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(value) = place.at("value").text()? else { return Ok(None) };
        Ok(Some(Self { value, kind: place.at("type").word()? }))
    }
}

impl Education {
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        Ok(Some(Self {
            school_name: place.at("school_name").text()?,
            degree: place.at("degree").text()?,
            discipline: place.at("discipline").text()?,
            start_date: place.at("start_date").day()?,
            end_date: place.at("end_date").day()?,
        }))
    }
}

impl Employment {
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        Ok(Some(Self {
            company_name: place.at("company_name").text()?,
            title: place.at("title").text()?,
            start_date: place.at("start_date").day()?,
            end_date: place.at("end_date").day()?,
        }))
    }
}

impl Person {
    /// Reads one; a bare text is a name.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        if matches!(place.view(), View::Text(_)) {
            let named = |name| Self { id: None, name: Some(name), email: None, employee_id: None };
            return Ok(place.text()?.map(named));
        }
        let Some(place) = place.map()? else { return Ok(None) };
        Ok(Some(Self {
            id: place.at("id").id()?,
            name: place.at("name").text()?,
            email: place.at("email").text()?,
            employee_id: place.at("employee_id").text()?,
        }))
    }
}
