//! The Greenhouse tenant refuses what the real thing refuses, in its words: a client that pleases it is not spoiled.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use connector::{
    Call, Clock, Identity, ManualClock, Opening, Secret,
    http::{Answer, Client, ClientSettings, Request},
    jiff::SignedDuration,
};
use sandbox::greenhouse::{GreenhouseTenant, Operation, Switches};
use serde_json::{Value, json};

const ANY: [u16; 7] = [400, 401, 403, 404, 413, 422, 429];

struct Bench {
    tenant: GreenhouseTenant,
    clock: Arc<ManualClock>,
    client: Client,
}

impl Bench {
    async fn new(switches: Switches) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-23T16:30:00Z".parse().unwrap()));
        let tenant = GreenhouseTenant::start_at(switches, clock.clone()).await.unwrap();
        let mut settings = ClientSettings::new(&tenant.url()).unwrap();
        settings.allow_private_addresses = true;
        let opening = Opening::new("sandbox", clock.clone());
        let client = Client::new(settings, &opening).unwrap();
        Self { tenant, clock, client }
    }

    async fn send(&self, request: Request) -> Answer {
        let call = Call::new(Identity::default(), self.clock.clone());
        request.accept(&ANY).send(&call).await.unwrap()
    }

    async fn json(&self, request: Request) -> (u16, Value) {
        let answer = self.send(request).await;
        (answer.status, answer.value().unwrap())
    }

    /// Returns a token for that user, or for the credential's own.
    async fn token(&self, sub: Option<&str>) -> Secret {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(sub.map(|sub| ("sub", sub)));
        let request = self.client.post("token").form(&form);
        let secret = Secret::new("sandbox-client-secret");
        let (_, answer) = self.json(request.basic("sandbox-client.acme", &secret)).await;
        Secret::new(answer["access_token"].as_str().unwrap())
    }

    async fn v3(&self, path: &str) -> (u16, Value) {
        let token = self.token(None).await;
        self.json(self.client.get(path).bearer(&token)).await
    }
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_observed() {
    let bench = Bench::new(Switches::default()).await;
    let post = || bench.client.post("token");
    let good = |request: Request| {
        request.basic("sandbox-client.acme", &Secret::new("sandbox-client-secret"))
    };
    let grant = &[("grant_type", "client_credentials")];
    let secret = Secret::new("x");
    let cases = [
        (post(), 401, "/message", "Unauthorized"),
        (
            post().basic("notaclient", &secret).form(grant),
            400,
            "/message",
            "client_id=notaclient does not contain a valid client ID suffix",
        ),
        (post().basic("unknown.acme", &secret).form(grant), 401, "/error", "invalid_client"),
        (post().basic("sandbox-client.acme", &secret).form(grant), 401, "/error", "invalid_client"),
        (good(post()), 400, "/message", "Must include `grant_type` parameter in /token request"),
        (
            good(post()).form(&[("grant_type", "not_a_grant")]),
            400,
            "/message",
            "grant_type=not_a_grant is invalid, please use one of: authorization_code, refresh_token, \
             client_credentials, urn:ietf:params:oauth:grant-type:token-exchange",
        ),
    ];
    for (request, status, pointer, words) in cases {
        let (found, body) = bench.json(request).await;
        assert_eq!((found, body.pointer(pointer)), (status, Some(&json!(words))));
    }
    let (status, body) = bench.json(good(post()).form(grant)).await;
    assert_eq!(status, 200);
    assert_eq!(body["expires_at"], "2026-11-23T17:30:00+0000");
    assert_eq!(body["token_type"], "Bearer");
}

#[tokio::test]
async fn v3_looks_where_one_goes_before_it_asks_who_one_is_and_v1_the_other_way() {
    let bench = Bench::new(Switches::default()).await;
    let get = |path: &str| bench.client.get(path);
    let wrong = Secret::new("no token");
    assert_eq!(
        bench.json(get("v3/nowhere")).await,
        (404, json!({ "message": "Resource not found" }))
    );
    let (status, body) = bench.json(get("v3/candidates").bearer(&wrong)).await;
    assert_eq!((status, &body["message"]), (401, &json!("Unauthorized")));
    let key = Secret::new("");
    let basic = get("v3/candidates").basic("sandbox-harvest-key", &key);
    assert_eq!(bench.json(basic).await.0, 401, "v3 takes no Basic");
    let refused = (401, json!({ "message": "Invalid Basic Auth credentials" }));
    assert_eq!(bench.json(get("v1/nowhere")).await, refused);
    assert_eq!(bench.json(get("v1/users").basic("another key", &key)).await, refused);
    assert_eq!(bench.json(get("v1/nowhere").basic("sandbox-harvest-key", &key)).await.0, 404);
}

#[tokio::test]
async fn a_new_token_makes_the_one_before_it_worthless_and_every_token_ends() {
    let bench = Bench::new(Switches::default()).await;
    let first = bench.token(None).await;
    let second = bench.token(None).await;
    let read = async |token: &Secret| bench.json(bench.client.get("v3/users").bearer(token)).await;
    let (status, body) = read(&first).await;
    assert_eq!(status, 401);
    assert_eq!(
        body["errors"],
        json!(["Token has already been refreshed or revoked. Please generate a new token."])
    );
    assert_eq!(read(&second).await.0, 200);
    bench.clock.set(bench.clock.now() + SignedDuration::from_hours(1));
    assert_eq!(read(&second).await.0, 401);
}

#[tokio::test]
async fn lists_need_a_site_admin_and_the_scope() {
    let bench =
        Bench::new(Switches { denied: vec![Operation::Offers], ..Switches::default() }).await;
    let token = bench.token(Some("158105")).await;
    assert_eq!(bench.json(bench.client.get("v3/candidates").bearer(&token)).await.0, 403);
    let token = bench.token(Some("158104")).await;
    assert_eq!(bench.json(bench.client.get("v3/candidates").bearer(&token)).await.0, 200);
    let (status, body) = bench.json(bench.client.get("v3/offers").bearer(&token)).await;
    assert_eq!((status, &body["errors"]), (403, &json!(["Missing scope harvest:offers:list"])));
}

#[tokio::test]
async fn a_cursor_travels_alone_and_leads_through_the_whole_list() {
    let bench = Bench::new(Switches::default()).await;
    let token = bench.token(None).await;
    let first = bench.send(bench.client.get("v3/candidates?per_page=2").bearer(&token)).await;
    let next = first.next_link().unwrap();
    let (status, body) =
        bench.json(bench.client.get(&format!("{next}&per_page=2")).bearer(&token)).await;
    assert_eq!(status, 422);
    assert_eq!(
        body["errors"],
        json!(["When passing a cursor, do not include other query params."])
    );
    let mut ids: Vec<u64> = Vec::new();
    let mut answer = first;
    loop {
        ids.extend(
            answer
                .value()
                .unwrap()
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_u64().unwrap()),
        );
        let Some(next) = answer.next_link() else { break };
        answer = bench.send(bench.client.get(&next).bearer(&token)).await;
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted_by(|one, other| one > other), "newest first: {ids:?}");
    let other = next.replace("/candidates", "/offers");
    assert_eq!(
        bench.json(bench.client.get(&other).bearer(&token)).await.0,
        422,
        "a cursor of another list"
    );
}

#[tokio::test]
async fn parameters_that_v3_does_not_know_are_refused() {
    let bench = Bench::new(Switches::default()).await;
    for path in [
        "v3/candidates?id=1",
        "v3/candidates?ids=one",
        "v3/candidates?per_page=501",
        "v3/candidates?per_page=0",
        "v3/candidates?cursor=nothing",
        "v3/applications?status=in_process",
        "v3/user_emails?primary_email=a@b.c",
    ] {
        assert_eq!(bench.v3(path).await.0, 422, "{path}");
    }
    let ids = vec!["1"; 51].join(",");
    assert_eq!(bench.v3(&format!("v3/candidates?ids={ids}")).await.0, 422);
    let (status, active) = bench.v3("v3/applications?status=active").await;
    assert_eq!(status, 200);
    assert_eq!(active[0]["status"], "in_process", "read and filter have two words for it");
}

#[tokio::test]
async fn a_note_is_taken_only_with_properties_that_are_right() {
    let bench = Bench::new(Switches::default()).await;
    let note = json!({ "candidate_id": 35_897_443, "body": "Hello", "visibility": "private", "note_type": "NOTE" });
    let with = |key: &str, value: Value| {
        let mut note = note.clone();
        note[key] = value;
        note
    };
    let token = bench.token(None).await;
    let cases = [
        (with("unknown_field", json!(1)), 422, "Invalid attribute: unknown_field"),
        (with("body", json!("")), 422, "Missing required field: body"),
        (with("candidate_id", json!(null)), 422, "Missing required field: candidate_id"),
        (with("candidate_id", json!("x")), 422, "Must be an integer"),
        (
            with("visibility", json!("admin_only_visible")),
            422,
            "Must be one of: admin_only, private, public",
        ),
        (with("candidate_id", json!(1)), 404, "Resource not found"),
        (with("user_id", json!(1)), 404, "Resource not found"),
        (with("application_id", json!(1)), 404, "Resource not found"),
    ];
    for (body, expected, words) in cases {
        let (status, answer) =
            bench.json(bench.client.post("v3/notes").bearer(&token).json(&body)).await;
        assert!(
            status == expected && answer.to_string().contains(words),
            "{body}: {status} {answer}"
        );
    }
    assert_eq!(bench.tenant.account(|account| account.notes.len()), 0);
    let (status, answer) =
        bench.json(bench.client.post("v3/notes").bearer(&token).json(&note)).await;
    assert_eq!((status, &answer["visibility"]), (201, &json!("privately_visible")));

    let key = Secret::new("");
    let path = "v1/candidates/35897443/activity_feed/notes";
    let post = || bench.client.post(path).basic("sandbox-harvest-key", &key);
    let note = json!({ "user_id": "158104", "body": "Hello", "visibility": "admin_only" });
    assert_eq!(bench.json(post().json(&note)).await.0, 422, "On-Behalf-Of is missing");
    assert_eq!(bench.json(post().header("on-behalf-of", "1").json(&note)).await.0, 404);
    let (status, answer) = bench.json(post().header("on-behalf-of", "158104").json(&note)).await;
    assert_eq!((status, &answer["visiblity"]), (200, &json!("admin_only")), "misspelt, as it is");
}

#[tokio::test]
async fn the_rate_limit_is_told_and_kept() {
    let bench = Bench::new(Switches { rate_limit: 2, ..Switches::default() }).await;
    let token = bench.token(None).await;
    let read = async || {
        let mut settings = bench.client.settings().clone();
        settings.max_in_flight = 1;
        // A client of its own, which has not learnt the limit yet.
        let opening = Opening::new("greedy", bench.clock.clone());
        let greedy = Client::new(settings, &opening).unwrap();
        bench.send(greedy.get("v3/users").bearer(&token)).await
    };
    assert_eq!(read().await.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(read().await.status, 200);
    let refused = read().await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    bench.clock.set(bench.clock.now() + SignedDuration::from_secs(30));
    assert_eq!(read().await.status, 200);
}

#[tokio::test]
async fn links_need_no_credentials_but_their_signature_and_end_after_a_week() {
    let bench = Bench::new(Switches::default()).await;
    let (_, listed) = bench.v3("v3/attachments?candidate_ids=35897443&type=resume").await;
    let link = listed[0]["url"].as_str().unwrap().to_owned();
    let good = bench.send(bench.client.get(&link)).await;
    assert_eq!((good.status, good.header("content-type")), (200, Some("application/pdf")));
    assert!(good.body.starts_with(b"%PDF"));
    let tampered = link.replace("X-Amz-Expires=604800", "X-Amz-Expires=99604800");
    assert_eq!(bench.send(bench.client.get(&tampered)).await.status, 403);
    let unsigned = link.split('?').next().unwrap();
    assert_eq!(bench.send(bench.client.get(unsigned)).await.status, 403);
    bench.clock.set(bench.clock.now() + SignedDuration::from_hours(7 * 24));
    assert_eq!(bench.send(bench.client.get(&link)).await.status, 403);
}
