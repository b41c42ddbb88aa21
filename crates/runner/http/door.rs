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
        self.add(Method::GET, path, handler)
    }

    /// Adds what a form of a page is posted to.
    #[must_use]
    pub fn form<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: Guarded + 'static,
    {
        self.add(Method::POST, path, handler)
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
        self.operations.push(Operation::of::<H, T>(method.clone(), path, about, role));
        self.add(method, path, handler)
    }

    fn add<H, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: Guarded + 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum knows");
        self.router = self.router.route(path, on(filter, handler));
        self.routes.push(Route { method, path, role: T::First::ROLE });
        self
    }

    /// Returns who may take which route, as a table.
    #[cfg(test)]
    pub fn table(&self) -> String {
        use std::fmt::Write as _;

        let mut table = String::from("viewer operator admin  route\n");
        for Route { method, path, role } in &self.routes {
            let mark =
                |one: Role| if role.is_none_or(|needed| one >= needed) { "yes" } else { "no" };
            let open = if role.is_none() { "  (whoever comes)" } else { "" };
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

    /// Returns the description of the API.
    pub fn description(&self) -> Value {
        openapi::document(&self.operations)
    }
}
