//! The connector, and an open connection to one company: requests as the settings say, and what is kept between them.

use std::{sync::Mutex, time::Duration};

use connector::{
    Connector, Failure, Opening, Secret,
    http::{
        Client, ClientSettings, Method as HttpMethod, Request, StatusClass, StatusClasses, segment,
    },
};

use crate::{
    check, create, documents, employees, json,
    references::{self, Kept},
    settings::{Method, Naming, Settings, Statuses, lints},
};

/// Returns the connector.
pub fn connector() -> Connector {
    Connector::new("goco", "GoCo, the HR system", open, check::check)
        .lints(lints)
        .action(employees::find())
        .action(references::department())
        .action(references::location())
        .action(references::job_title())
        .action(references::employment_type())
        .action(create::action())
        .action(documents::action())
}

/// An open connection to one company.
#[derive(Debug)]
pub(crate) struct Goco {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    /// The reference lists, and when each was read.
    pub(crate) kept: Mutex<Kept>,
}

/// Opens a connection.
fn open(settings: Settings, opening: &Opening) -> Result<Goco, Failure> {
    settings.validate()?;
    let limits = &settings.limits;
    let client = ClientSettings {
        allow_private_addresses: settings.allow_private_addresses,
        timeout: Duration::from_millis(limits.timeout_ms.into()),
        max_body: limits.max_answer_bytes.try_into().unwrap_or(usize::MAX),
        max_in_flight: limits.max_concurrency.try_into().unwrap_or(usize::MAX),
        min_interval: Duration::from_millis(limits.min_interval_ms.into()),
        statuses: classes(&settings.status_classes),
        error_pointers: settings.error_pointers.clone(),
        ..ClientSettings::new(&settings.base_url)?
    };
    Ok(Goco { client: Client::new(client, opening)?, settings, kept: Mutex::default() })
}

impl Goco {
    /// Begins a request that reads a path of the settings.
    pub(crate) fn get(&self, path: &str) -> Request {
        self.dressed(self.client.get(path))
    }

    /// Begins a request that writes to a path of the settings.
    pub(crate) fn write(&self, method: Method, path: &str) -> Request {
        let method = match method {
            Method::Post => HttpMethod::POST,
            Method::Put => HttpMethod::PUT,
            Method::Patch => HttpMethod::PATCH,
        };
        self.dressed(self.client.request(method, path)).write()
    }

    /// Returns a path with the company and the employee put in.
    pub(crate) fn path(&self, template: &str, employee_id: &str) -> String {
        template
            .replace("{company}", &segment(self.settings.company.trim()))
            .replace("{employee_id}", &segment(employee_id))
    }

    /// Returns the name of a property as this company's API spells it.
    pub(crate) fn field(&self, name: &str) -> String {
        match self.settings.naming {
            Naming::Snake => name.to_owned(),
            Naming::Camel => json::camel(name),
        }
    }

    fn dressed(&self, mut request: Request) -> Request {
        let key = self.settings.api_key.expose().trim();
        let auth = &self.settings.auth;
        request = request
            .hide(&Secret::new(key))
            .secret_header(&auth.header, &Secret::new(format!("{}{key}", auth.prefix)));
        for (name, value) in &self.settings.extra_headers {
            request = request.header(name, value.clone());
        }
        request
    }
}

fn classes(statuses: &Statuses) -> StatusClasses {
    let lists = [
        (&statuses.not_found, StatusClass::NotFound),
        (&statuses.validation, StatusClass::Invalid),
        (&statuses.duplicate, StatusClass::Conflict),
        (&statuses.throttle, StatusClass::Throttled),
        (&statuses.auth, StatusClass::Unauthorized),
    ];
    lists.into_iter().fold(StatusClasses::default(), |classes, (list, class)| {
        list.iter().fold(classes, |classes, status| classes.with(*status, class))
    })
}
