//! What a hire takes from the allocator: the shipped hire sync without its documents, one hire after the other, through the
//! engine in this process, a store on the disk and the sandbox's GoCo over HTTP.
//!
//! Counted is what the engine's own thread asks for, from the delivery to the end of its job: to verify and decode it, to
//! drive its steps, to ask GoCo, and what goes to the store, made ready. Not counted are the threads beside it: the store's
//! writer, which is given everything ready; who reads from the store; the sandbox. `SQLite` takes its memory past Rust, and
//! the doors of the service (`hyper`, `axum`) are not in the way. A block that grows counts as a new one.

use std::{collections::HashMap, fs, path::Path, sync::Arc, time::Duration};

use allocation_counter::measure;
use connector::{Clock, Connection, Connector, Delivery, Failure, Opening, SystemClock};
use engine::{Deployment, Engine, Settings, Status, Store};
use recipe::{ProjectFiles, Source};
use serde_json::Value;

use crate::{
    event::Hires,
    recipes::{HIRE, NAMES, hire_project},
    vendor::Vendor,
};

/// After so many, lists are read, statements are prepared, buffers have their size.
const WARM_UP: usize = 50;

/// What a hire takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

/// Has so many people hired and returns what one of them took.
pub(crate) fn by_a_hire(people: usize) -> Taken {
    // Whoever comes first installs it; that it is there already is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let vendor = Vendor::start(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    // Whom the company had before does not count.
    vendor.forget();
    hire_project(folder.path(), &vendor.url(), 16);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = runtime.block_on(engine(folder.path()));
    let hires = Hires::new();
    let deliveries: Vec<Delivery> =
        (0..WARM_UP + people).map(|number| delivery(&hires, number)).collect();
    let (warm_up, counted) = deliveries.split_at(WARM_UP);
    runtime.block_on(work(&engine, warm_up));
    let taken = measure(|| runtime.block_on(work(&engine, counted)));
    runtime.block_on(engine.stop());
    drop(engine);
    assert_eq!((vendor.made(), vendor.doubled()), (WARM_UP + people, 0));
    vendor.end();
    let people = people as u64;
    Taken { allocations: taken.count_total / people, bytes: taken.bytes_total / people }
}

/// Delivers one after the other, each once the job of the one before has ended well.
async fn work(engine: &Engine, deliveries: &[Delivery]) {
    let mut notices = engine.notices();
    for delivery in deliveries {
        let answer = engine.deliver(HIRE, delivery.clone()).await;
        assert_eq!((answer.status, answer.jobs.len()), (200, 1), "{answer:?}");
        loop {
            let notice = notices.recv().await.unwrap();
            if notice.status.is_final() {
                assert_eq!(notice.status, Status::Succeeded, "{}", notice.note);
                break;
            }
        }
    }
}

fn delivery(hires: &Hires, number: usize) -> Delivery {
    let (body, signature) = hires.hire(number);
    Delivery {
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("signature".into(), format!("sha256 {signature}")),
        ],
        query: String::new(),
        body: body.into(),
        received_at: SystemClock.now(),
    }
}

async fn engine(folder: &Path) -> Engine {
    let store = Store::open(&folder.join(".recipe-runner")).unwrap();
    let settings = Settings { public_url: "http://127.0.0.1".into() };
    let clock = Arc::new(SystemClock);
    let engine = Engine::open(store, clock, deployment(folder), settings).await.unwrap();
    engine.resume();
    engine.switch(HIRE, true).await.unwrap();
    engine
}

fn deployment(folder: &Path) -> Deployment {
    let source = |name: &str| Source::new(name, fs::read_to_string(folder.join(name)).unwrap());
    let sources = |within: &str| {
        let names = fs::read_dir(folder.join(within)).unwrap();
        let names = names.map(|one| one.unwrap().file_name().into_string().unwrap());
        names.map(|name| source(&format!("{within}/{name}"))).collect()
    };
    let files = ProjectFiles {
        runner: Some(source("runner.yaml")),
        connections: Some(source("connections.yaml")),
        recipes: sources("recipes"),
        tables: sources("tables"),
    };
    let mut all = vec![connector_greenhouse::connector(), connector_goco::connector()];
    all.extend(connector_standard::connectors());
    let connectors: Arc<[Connector]> = all.into();
    let (project, _) = recipe::check(&files, &connector::catalogue(&connectors));
    let open = |name: &str, connection: &recipe::Connection| -> Result<Connection, Failure> {
        let mut settings = connection.settings.clone();
        fill_in(&mut settings);
        let connector = connectors.iter().find(|one| one.name == connection.connector).unwrap();
        connector.open(settings, &Opening::new(name, Arc::new(SystemClock)))
    };
    let connections: HashMap<_, _> =
        project.connections.iter().map(|(name, one)| (name.clone(), open(name, one))).collect();
    let closed = connections.values().filter_map(|one| one.as_ref().err());
    assert_eq!(closed.collect::<Vec<_>>(), [] as [&Failure; 0]);
    Deployment { files, project: Arc::new(project), connectors, connections }
}

/// Puts the secrets where a connection names them.
fn fill_in(settings: &mut Value) {
    match settings {
        Value::String(text) => {
            if let Some((_, secret)) =
                NAMES.iter().find(|(name, _)| text.strip_prefix("env:") == Some(name))
            {
                *text = (*secret).to_owned();
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(fill_in),
        Value::Array(items) => items.iter_mut().for_each(fill_in),
        _ => {}
    }
}
