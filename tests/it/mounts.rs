//! Disks that are really full and really read-only: the data folder is a small file system of its own.
//!
//! Such a test starts itself anew in a mount namespace, where it may mount what it likes and nobody else sees it.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use sandbox::goco::{Fault, Operation, Trouble};

use crate::{
    overload::noise,
    town::{Answered, JOHNNY, RECIPE, Town, ZOE},
};

/// Tells a test that it is where it may mount.
const APART: &str = "RECIPE_RUNNER_TEST_APART";
/// Long enough for a disk to fill up while GoCo keeps its answer to a create.
const HOLD: u64 = 2000;

/// Runs a test in a mount namespace of its own: as who one is, or else as a root of one's own.
#[expect(clippy::disallowed_methods, reason = "the test tells its own child where it is")]
fn apart(name: &str, test: impl FnOnce()) {
    if std::env::var_os(APART).is_some() {
        return test();
    }
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let mut refusals = String::new();
    let unshare = |way: &[&str], command: &mut dyn FnMut(&mut Command)| {
        let mut unshare = Command::new("unshare");
        unshare.args(way).args(["--propagation", "private", "--"]);
        command(&mut unshare);
        unshare.output()
    };
    for way in ways {
        // A namespace in which nothing can be mounted is of no use.
        let probe = unshare(way, &mut |unshare| {
            unshare.args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        });
        match probe {
            Ok(probe) if probe.status.success() => {
                let played = unshare(way, &mut |unshare| {
                    let me = std::env::current_exe().unwrap();
                    unshare.arg(me).args(["--exact", name, "--nocapture"]).env(APART, "1");
                })
                .unwrap();
                let told = format!(
                    "{}{}",
                    String::from_utf8_lossy(&played.stdout),
                    String::from_utf8_lossy(&played.stderr)
                );
                assert!(played.status.success() && told.contains("1 passed"), "{told}");
                return;
            }
            Ok(probe) => refusals.push_str(&String::from_utf8_lossy(&probe.stderr)),
            Err(error) => writeln!(refusals, "unshare: {error}").unwrap(),
        }
    }
    panic!(
        "this test mounts a small disk of its own, in a mount namespace, and could not make one:\n{refusals}\
         Install `unshare` and `mount` (util-linux), and run it as root with CAP_SYS_ADMIN or where users may make \
         namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0; in a container \
         --cap-add SYS_ADMIN, or a seccomp profile that lets `unshare` through)"
    );
}

/// The data folder of a town.
fn data(town: &Town) -> PathBuf {
    town.dir().join(".recipe-runner")
}

fn mount(words: &[&str], at: &Path) {
    let done = Command::new("mount").args(words).arg(at).output().unwrap();
    assert!(done.status.success(), "mount {words:?}: {done:?}");
}

fn unmount(at: &Path) {
    let done = Command::new("umount").arg("--lazy").arg(at).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Builds a town whose data folder is a disk of eight megabytes.
fn town_with_a_small_disk() -> Town {
    let town = Town::new();
    fs::create_dir(data(&town)).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=8m,mode=700", "none"], &data(&town));
    town
}

/// Fills the disk to its last byte.
fn fill(town: &Town) {
    let mut ballast =
        File::options().create(true).append(true).open(data(town).join("ballast")).unwrap();
    while ballast.write_all(&[1; 4096]).is_ok() {}
}

fn make_room(town: &Town) {
    fs::remove_file(data(town).join("ballast")).unwrap();
}

/// Sends what Greenhouse sends, once.
fn deliver(town: &Town, candidate: u64) -> Answered {
    let event = town.greenhouse.hire(candidate).unwrap();
    let (body, signature) = town.signed(&event);
    let (body, more) = (String::from_utf8(body).unwrap(), format!("signature: {signature}\r\n"));
    town.ask("POST", &format!("/hooks/{RECIPE}"), None, &more, &body)
}

/// Fills the disk until nothing more goes in: what was refused gives the room of the log back, which is filled too.
fn until_full(town: &Town, candidate: u64) {
    let mut refused = 0;
    town.until("the disk is full", || {
        fill(town);
        refused = if deliver(town, candidate).status == 503 { refused + 1 } else { 0 };
        (refused == 3).then_some(())
    });
}

#[test]
fn on_a_full_disk_nothing_is_acknowledged_nothing_is_done_again_and_room_is_all_it_needs() {
    apart(
        "mounts::on_a_full_disk_nothing_is_acknowledged_nothing_is_done_again_and_room_is_all_it_needs",
        || {
            let mut town = town_with_a_small_disk();
            town.start();
            let token = town.token("viewer");
            town.goco.switch(|switches| {
                let (on, trouble) = (Operation::CreateEmployee, Trouble::HoldAfter(HOLD));
                switches.faults.push(Fault { on, after: 0, times: 1, trouble });
            });
            town.hire(JOHNNY);
            town.until("GoCo is at work", || {
                (town.asked(Operation::CreateEmployee) > 0).then_some(())
            });
            until_full(&town, ZOE);
            // GoCo's answer comes to a disk that takes nothing.
            thread::sleep(Duration::from_millis(HOLD + 500));

            let refused = deliver(&town, ZOE);
            assert_eq!(refused.status, 503, "{refused:?}");
            assert_eq!(refused.header("retry-after"), Some("30"));
            let ready = town.ask("GET", "/readyz", None, "", "");
            assert_eq!(ready.status, 503, "{ready:?}");
            let status = town.cli(&["status", "--fail-on", "attention"]);
            assert_eq!(status.code, Some(1), "{status:?}");
            let page = town.get("/", &token);
            let (file, cure) = ("store.db", "the disk is full: make room");
            for text in [&status.out, &page] {
                assert!(text.contains(file) && text.contains(cure), "{text}");
            }
            // Whatever else would be written is refused and leaves nothing behind.
            let cancelled = town.cli(&["jobs", "cancel", "1"]);
            assert_eq!(cancelled.code, Some(3), "{cancelled:?}");
            assert!(cancelled.err.contains(cure), "{cancelled:?}");
            let copy = data(&town).join("copy.db");
            let copied = town.cli(&["backup", copy.to_str().unwrap()]);
            assert_eq!(copied.code, Some(3), "{copied:?}");
            assert!(copied.err.contains("backup-") && copied.err.contains(cure), "{copied:?}");
            let added = town.cli(&["tokens", "add", "Ann", "--role", "viewer"]);
            assert_eq!(added.code, Some(3), "{added:?}");
            assert!(added.err.contains("access.json"), "{added:?}");
            let left: Vec<_> = fs::read_dir(data(&town)).unwrap().map(Result::unwrap).collect();
            let left: Vec<_> =
                left.iter().map(|one| one.file_name().into_string().unwrap()).collect();
            let half = |name: &String| name.contains("copy.db") || name.contains("part");
            assert!(!left.iter().any(half), "{left:?}");
            town.get("/", &token);

            make_room(&town);
            // The same process goes on: what GoCo answered is written now, and not asked again.
            let job = town.over(1);
            assert_eq!(job["status"], "succeeded", "{job:#}");
            assert_eq!(town.asked(Operation::CreateEmployee), 1);
            assert_eq!(town.documents(&town.employee(JOHNNY)).len(), 2);
            assert_eq!(town.notes(JOHNNY).len(), 1);
            town.until("the webhook is taken", || {
                (deliver(&town, ZOE).status == 200).then_some(())
            });
            assert_eq!(town.over(2)["status"], "succeeded");
            town.employee(ZOE);
            let ready = town.ask("GET", "/readyz", None, "", "");
            assert!(ready.status == 200 && ready.body.starts_with("ready; "), "{ready:?}");

            // And a service that begins on a full disk says so.
            town.terminate();
            assert_eq!(town.ended(), Some(0));
            fill(&town);
            let begun = town.cli(&["start"]);
            assert_eq!(begun.code, Some(3), "{begun:?}");
            assert!(begun.err.contains(".recipe-runner/"), "{begun:?}");
            assert!(begun.err.contains("make room"), "{begun:?}");
            make_room(&town);
            town.start();
            assert_eq!(town.jobs(), [2, 1]);
        },
    );
}

#[test]
fn a_disk_that_is_nearly_full_is_told_of_before_and_after_a_delivery_has_no_room() {
    let name =
        "mounts::a_disk_that_is_nearly_full_is_told_of_before_and_after_a_delivery_has_no_room";
    apart(name, || {
        let mut town = town_with_a_small_disk();
        town.start();
        let token = town.token("operator");
        let ready = || town.ask("GET", "/readyz", None, "", "");
        // Before anything is refused: the eight megabytes are little.
        let found = ready();
        let free = found.body.trim_end().strip_prefix("ready; the disk is nearly full: ");
        assert_eq!(
            (found.status, free.is_some_and(|free| free.ends_with(" MB free"))),
            (200, true)
        );
        let at = format!(" MB free at {}", data(&town).display());
        let status = town.cli(&["status", "--fail-on", "attention"]);
        assert_eq!(status.code, Some(1), "{status:?}");
        let page = town.get("/", &token);
        assert!(status.out.contains(&at), "{status:?}");
        for text in [&status.out, &page] {
            assert!(text.contains("disk nearly full: ") && text.contains(" MB free at "), "{text}");
        }
        assert!(
            !page.contains("Nothing can be stored") && !page.contains("Nothing needs a person")
        );
        let numbers = town.ask("GET", "/metrics", None, "", "").body;
        assert!(numbers.contains("\nrecipe_runner_disk_free_bytes "), "{numbers}");

        // There is room for small things, and none for this delivery.
        fill(&town);
        let ballast = File::options().write(true).open(data(&town).join("ballast")).unwrap();
        ballast.set_len(ballast.metadata().unwrap().len() - 100_000).unwrap();
        drop(ballast);
        let large = noise(1, 1_000_000);
        let send = |body: &str| {
            let (body, signature) = town.signed(&serde_json::json!({ "action": body }));
            town.post(&body, Some(&signature))
        };
        assert_eq!(send(&large), 503, "{}", town.said());
        let added = town.cli(&["tokens", "add", "Ann", "--role", "viewer"]);
        assert_eq!(added.code, Some(0), "small things are stored: {added:?}");
        for _ in 0..3 {
            let found = ready();
            assert_eq!(found.status, 503, "{found:?}");
        }
        let status = town.cli(&["status"]).out;
        for part in ["nothing can be stored", "no room for it", "make room", "store.db"] {
            assert!(status.contains(part), "`{part}` is missing: {status}");
        }
        assert!(town.get("/", &token).contains("Nothing can be stored"));

        // Nobody has to send anything for it to be ready again.
        make_room(&town);
        let found = ready();
        assert_eq!(found.status, 200, "{found:?}\n{}", town.cli(&["status"]).out);
        assert_eq!(send(&large), 200, "{}", town.said());
        assert!(
            fs::read_dir(data(&town))
                .unwrap()
                .all(|one| { !one.unwrap().file_name().to_string_lossy().contains("db-room") })
        );
    });
}

#[test]
fn a_service_whose_log_is_on_the_full_disk_lives_on() {
    apart("mounts::a_service_whose_log_is_on_the_full_disk_lives_on", || {
        let town = town_with_a_small_disk();
        let begun = town.cli(&["start", RECIPE, "--detach"]);
        assert_eq!(begun.code, Some(0), "{begun:?}");
        let running = town.json(&["status"])["running"].clone();
        let address = running.to_string();
        let address = address.split("http://").nth(1).unwrap().split('"').next().unwrap();
        let address = address.trim_end_matches('/').to_owned();
        let send = || {
            let event = town.greenhouse.hire(JOHNNY).unwrap();
            let (body, signature) = town.signed(&event);
            let (body, more) =
                (String::from_utf8(body).unwrap(), format!("signature: {signature}\r\n"));
            Town::ask_at(&address, "POST", &format!("/hooks/{RECIPE}"), None, &more, &body).status
        };
        // Each is told in the log, which takes no more either.
        let mut refused = 0;
        town.until("both are full", || {
            fill(&town);
            refused = if send() == 503 { refused + 1 } else { 0 };
            (refused == 30).then_some(())
        });
        make_room(&town);
        assert_eq!(send(), 200);
        assert_eq!(town.over(1)["status"], "succeeded");
        assert_eq!(town.json(&["status"])["running"]["process"], running["process"]);
        assert_eq!(town.cli(&["stop"]).code, Some(0));
    });
}

#[test]
fn a_disk_that_is_read_only_is_named_and_all_goes_on_once_it_is_writable() {
    apart("mounts::a_disk_that_is_read_only_is_named_and_all_goes_on_once_it_is_writable", || {
        let mut town = town_with_a_small_disk();
        town.start();
        town.hire(JOHNNY);
        assert_eq!(town.over(1)["status"], "succeeded");

        // While it runs: no file system can be made read-only under a file that is written, but for those that found a
        // fault in themselves. So one write fails, and who opens the file anew finds it read-only.
        mount(&["--bind", data(&town).to_str().unwrap()], &data(&town));
        mount(&["-o", "remount,bind,ro"], &data(&town));
        town.break_the_disk(true);
        assert_eq!(deliver(&town, ZOE).status, 503, "{}", town.said());
        town.break_the_disk(false);
        let refused = deliver(&town, ZOE);
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("30")));
        let (file, cure) = ("store.db`: it cannot be written", "its disk is mounted read-only");
        let status = town.cli(&["status", "--fail-on", "attention"]);
        assert_eq!(status.code, Some(1), "{status:?}");
        assert!(status.out.contains(file) && status.out.contains(cure), "{status:?}");
        // What is there can be seen all the same.
        assert_eq!(town.job(1)["status"], "succeeded");
        unmount(&data(&town));
        town.until("the webhook is taken", || (deliver(&town, ZOE).status == 200).then_some(()));
        assert_eq!(town.over(2)["status"], "succeeded");
        town.employee(ZOE);

        // And one that is so when the service begins.
        town.terminate();
        assert_eq!(town.ended(), Some(0));
        mount(&["-o", "remount,bind,ro"], &data(&town));
        let begun = town.cli(&["start"]);
        assert_eq!(begun.code, Some(3), "{begun:?}");
        assert!(begun.err.contains(".recipe-runner/") && begun.err.contains(cure), "{begun:?}");
        mount(&["-o", "remount,bind,rw"], &data(&town));
        town.start();
        assert_eq!(town.jobs(), [2, 1]);
    });
}
