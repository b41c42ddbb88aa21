//! The projects that are measured: the shipped hire sync without its documents, and small recipes of the `webhook`
//! connector.

use std::{fs, path::Path};

use crate::event::SECRET;

pub(crate) const HIRE: &str = "greenhouse-hired-to-goco";

/// Writes a project with the hire sync without documents: so many jobs at once, this vendor.
pub(crate) fn hire_project(folder: &Path, vendor: &str, at_once: u32) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    project(folder, &connections(vendor));
    let text = fs::read_to_string(root.join(format!("recipes/{HIRE}.yaml"))).unwrap();
    fs::write(folder.join(format!("recipes/{HIRE}.yaml")), hire(&text, at_once)).unwrap();
    fs::create_dir_all(folder.join("tables")).unwrap();
    for table in fs::read_dir(root.join("tables")).unwrap() {
        let table = table.unwrap();
        fs::copy(table.path(), folder.join("tables").join(table.file_name())).unwrap();
    }
}

/// Returns the shipped recipe without its documents.
pub(crate) fn hire(text: &str, at_once: u32) -> String {
    let begins = text.find("  # --- The documents").expect("the recipe has its documents");
    let ends = text.find("finally:").expect("the recipe ends with its note");
    let settings = format!("trigger: greenhouse.hired\nsettings: {{ concurrency: {at_once} }}\n");
    format!("{}{}", &text[..begins], &text[ends..])
        .replace("trigger: greenhouse.hired\n", &settings)
}

/// Writes a project with these recipes, by name.
pub(crate) fn small_project(folder: &Path, recipes: &[(&str, String)]) {
    project(folder, "webhook:\n  token: \"env:WEBHOOK_TOKEN\"\n");
    for (name, text) in recipes {
        fs::write(folder.join(format!("recipes/{name}.yaml")), text).unwrap();
    }
}

fn project(folder: &Path, connections: &str) {
    fs::create_dir_all(folder.join("recipes")).unwrap();
    fs::write(folder.join("connections.yaml"), connections).unwrap();
    let settings = "\
listen: 127.0.0.1:0
properties:
  success_note: { type: boolean, default: false }
retention: { megabytes: 8192 }
";
    fs::write(folder.join("runner.yaml"), settings).unwrap();
}

/// The sandbox's limits are lifted openly: it has none. Nor has it pages, and the recipe is told so, as the bare loop is:
/// otherwise it asks for a second one whenever the list happens to be as long as a page.
fn connections(vendor: &str) -> String {
    format!(
        "\
greenhouse:
  base_url: http://127.0.0.1:9
  auth_url: http://127.0.0.1:9
  allow_private_addresses: true
  client_id: measured
  client_secret: env:SECRET
  acting_user: measured@example.com
  webhook_secret: env:SECRET
goco:
  base_url: {vendor}
  allow_private_addresses: true
  settle_seconds: 0
  pagination: {{ mode: none }}
  limits: {{ max_concurrency: 1024, min_interval_ms: 0 }}
  company: acme-widgets
  api_key: env:GOCO_API_KEY
"
    )
}

/// What the secrets of the connections stand for.
pub(crate) const NAMES: [(&str, &str); 3] =
    [("SECRET", SECRET), ("WEBHOOK_TOKEN", SECRET), ("GOCO_API_KEY", "sandbox-goco-key")];
