//! The door: every route is added here, with a handler whose first argument is a [`Permission`]. So no route can be
//! without one, and the table of who may what, and the description of the API, are read off the handlers themselves.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, on},
};
use serde_json::Value;

use super::{
    Site,
    access::Role,
    openapi::{self, ApiHandler, Operation},
    permission::Permission,
};

/// The routes so far.
#[derive(Default)]
pub struct Door {
    /// As axum has them.
    pub router: Router<Site>,
    routes: Vec<Route>,
    operations: Vec<Operation>,
}

#[cfg_attr(not(test), expect(dead_code, reason = "the test of the table reads it"))]
struct Route {
    method: Method,
    path: &'static str,
    role: Option<Role>,
    at_the_machine: bool,
    about: &'static str,
}

/// The arguments of a handler, of which the first is a permission.
pub trait Guarded {
    /// The first.
    type First: Permission;
}

impl<M, P: Permission> Guarded for (M, P) {
    type First = P;
}

impl<M, P: Permission, A> Guarded for (M, P, A) {
    type First = P;
}

impl<M, P: Permission, A, B> Guarded for (M, P, A, B) {
    type First = P;
}

impl Door {
    /// Adds a page or another answer to GET.
    #[must_use]
    pub fn page<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: Guarded + 'static,
    {
        self.add(Method::GET, path, "", handler)
    }

    /// Adds what a form of a page is posted to.
    #[must_use]
    pub fn form<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: Guarded + 'static,
    {
        self.add(Method::POST, path, "", handler)
    }

    /// Adds a typed operation of the API.
    #[must_use]
    pub fn api<H, T>(
        mut self,
        method: Method,
        path: &'static str,
        about: &'static str,
        handler: H,
    ) -> Self
    where
        H: ApiHandler<T>,
        T: Guarded + 'static,
    {
        let role = T::First::ROLE;
        let at_the_machine = T::First::AT_THE_MACHINE;
        let operation = Operation::of::<H, T>(method.clone(), path, about, role, at_the_machine);
        self.operations.push(operation);
        self.add(method, path, about, handler)
    }

    fn add<H, T>(
        mut self,
        method: Method,
        path: &'static str,
        about: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Site>,
        T: Guarded + 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum knows");
        self.router = self.router.route(path, on(filter, handler));
        let (role, at_the_machine) = (T::First::ROLE, T::First::AT_THE_MACHINE);
        self.routes.push(Route { method, path, role, at_the_machine, about });
        self
    }

    /// Returns who may take which route, as a table.
    #[cfg(test)]
    pub fn table(&self) -> String {
        use std::fmt::Write as _;

        let mut table = String::from("viewer operator admin  route\n");
        for Route { method, path, role, at_the_machine, .. } in &self.routes {
            let mark = |one: Role| {
                let may = !at_the_machine && role.is_none_or(|needed| one >= needed);
                if may { "yes" } else { "no" }
            };
            let open = match (role, at_the_machine) {
                (None, _) => "  (whoever comes)",
                (_, true) => "  (the command line, through its socket)",
                (Some(_), false) => "",
            };
            writeln!(
                table,
                "{:6} {:8} {:6} {method} {path}{open}",
                mark(Role::Viewer),
                mark(Role::Operator),
                mark(Role::Admin)
            )
            .expect("writing to text cannot fail");
        }
        table
    }

    /// Returns the operations of the API as a table of the documents.
    #[cfg(test)]
    pub fn reference(&self) -> String {
        use std::fmt::Write as _;

        let mut table =
            String::from("| operation | what it does | from the role on |\n|---|---|---|\n");
        for Route { method, path, role, at_the_machine, about } in &self.routes {
            let Some(path) = path.strip_prefix("/api/v1/") else { continue };
            let about = about.split_once('\n').map_or(*about, |(first, _)| first);
            let who = match (role, at_the_machine) {
                (None, _) => "no token",
                (_, true) => "the command line alone",
                (Some(role), false) => role.word(),
            };
            writeln!(table, "| `{method} {path}` | {about} | {who} |")
                .expect("writing to text cannot fail");
        }
        table
    }

    /// Returns the description of the API.
    pub fn description(&self) -> Value {
        openapi::document(&self.operations)
    }
}
