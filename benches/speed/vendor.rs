//! GoCo in this process: the sandbox's, kept small so that its list of employees does not grow with the measurement.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use connector::jiff::Timestamp;
use sandbox::goco::{GocoTenant, Switches};
use tokio::runtime::Runtime;

/// How often the company forgets whom it employed.
const OFTEN: Duration = Duration::from_millis(20);

/// A company that answers on a runtime of its own.
pub(crate) struct Vendor {
    runtime: Runtime,
    tenant: Arc<GocoTenant>,
    seen: Arc<Mutex<Seen>>,
}

/// What the company has seen.
#[derive(Debug, Default)]
struct Seen {
    /// When the employee with this first name was made; a second one is counted.
    made: HashMap<String, Timestamp>,
    doubled: usize,
    requests: usize,
}

impl Vendor {
    /// Starts a company whose answers take so long.
    pub(crate) fn start(latency: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let latency_ms = latency.as_millis() as u64;
        let switches = Switches { latency_ms, ..Switches::default() };
        let tenant = Arc::new(runtime.block_on(GocoTenant::start(switches)).unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let (company, kept) = (tenant.clone(), seen.clone());
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(OFTEN).await;
                take(&company, &kept);
            }
        });
        Self { runtime, tenant, seen }
    }

    pub(crate) fn url(&self) -> String {
        self.tenant.url()
    }

    /// Changes how long answers take.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.tenant.switch(|switches| switches.latency_ms = latency.as_millis() as u64);
    }

    /// Returns how many employees were made.
    pub(crate) fn made(&self) -> usize {
        take(&self.tenant, &self.seen);
        self.seen.lock().unwrap().made.len()
    }

    /// Returns how many were made twice.
    pub(crate) fn doubled(&self) -> usize {
        self.seen.lock().unwrap().doubled
    }

    /// Returns how many requests came.
    pub(crate) fn requests(&self) -> usize {
        take(&self.tenant, &self.seen);
        self.seen.lock().unwrap().requests
    }

    /// Returns when the employee with this first name was made.
    pub(crate) fn made_at(&self, first_name: &str) -> Option<Timestamp> {
        self.seen.lock().unwrap().made.get(first_name).copied()
    }

    /// Waits until so many employees were made; returns whether that came to pass in time.
    pub(crate) fn wait_for(&self, employees: usize, longest: Duration) -> bool {
        let began = Instant::now();
        while self.made() < employees {
            if began.elapsed() > longest {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Forgets what was seen.
    pub(crate) fn forget(&self) {
        take(&self.tenant, &self.seen);
        *self.seen.lock().unwrap() = Seen::default();
    }

    /// Ends the company.
    pub(crate) fn end(self) {
        self.runtime.shutdown_background();
    }
}

fn take(tenant: &GocoTenant, seen: &Mutex<Seen>) {
    let (employees, requests) = tenant.company(|company| {
        (std::mem::take(&mut company.employees), std::mem::take(&mut company.requests))
    });
    let mut seen = seen.lock().unwrap();
    seen.requests += requests.len();
    for employee in employees {
        if seen.made.insert(employee.first_name, employee.listed_from).is_some() {
            seen.doubled += 1;
        }
    }
}
