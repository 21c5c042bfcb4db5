//! PostgreSQL or Redis stopped or frozen: an honest 503, nobody let in, and all well again soon after.

use std::time::{Duration, Instant};

use http::StatusCode;
use rapport_domain::access::BuiltInRole;
use rapport_testing::{Faults, House, PASSWORD, Proxy, eventually};
use tokio::time::sleep;

use crate::browser::{Answer, Browser, Site};

/// What a page may take when it cannot be had.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// What a form may take, with the page that brings it back.
const PATIENCE_OF_FORMS: Duration = Duration::from_millis(3_500);
/// How long a part is away.
const AWAY: Duration = Duration::from_secs(10);
const BACK_WITHIN: Duration = Duration::from_secs(2);
const ID: &str = "01933d3e-0000-7000-8000-0000000000c1";

async fn scene() -> (Site, Faults, Browser) {
    let (house, faults) = House::with_faults().await;
    let site = Site::of(house);
    let admin = site.house.user(BuiltInRole::Admin, None).await;
    let browser = site.signed_in(admin).await;
    (site, faults, browser)
}

async fn timed(what: impl Future<Output = Answer>) -> Answer {
    let began = Instant::now();
    let answer = what.await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    answer
}

/// Refused because a part is away, and told when to come again.
fn assert_away(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1"),
        "{}",
        answer.body
    );
}

/// A page, a call and a form for ten seconds without a part, then all of them when it is back.
async fn endure(proxy: &Proxy, mut browser: Browser, harm: impl Fn(&Proxy)) {
    assert_eq!(browser.get("/customers").await.status, StatusCode::OK);
    harm(proxy);
    let gone = Instant::now();
    while gone.elapsed() < AWAY {
        refused(&mut browser).await;
        sleep(Duration::from_millis(250)).await;
    }

    proxy.restore();
    eventually("pages and calls are there again", BACK_WITHIN, || {
        let mut browser = browser.clone();
        async move {
            browser.get("/customers").await.status == StatusCode::OK
                && browser.read("session/me", "").await.status == StatusCode::OK
        }
    })
    .await;
    let form = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada <3")])
        .await;
    assert_eq!(form.status, StatusCode::SEE_OTHER, "{}", form.body);
}

/// What a page, a call and a form say while a part is away.
async fn refused(browser: &mut Browser) {
    let page = timed(browser.get("/customers")).await;
    assert_away(&page);
    assert!(page.body.contains("Nothing was lost"), "{}", page.body);
    let call = timed(browser.read("session/me", "")).await;
    assert_away(&call);
    assert_eq!(call.body, r#""unavailable""#);
    assert_away(&timed(browser.get("/health/ready")).await);
    assert_eq!(browser.get("/health/live").await.status, StatusCode::OK);
    let form = timed(browser.post("/customers/new", &[("id", ID), ("name", "Ada <3")])).await;
    assert_away(&form);
    assert!(
        form.body.contains("Ada &lt;3") && form.body.contains("Send again"),
        "{}",
        form.body
    );
}

/// An edit in place, a form and a sign-in that find a connection which still looks sound, because it worked a moment
/// ago.
async fn meet_a_frozen_connection(site: &Site, proxy: &Proxy, browser: &Browser) {
    let warm = || async { browser.clone().get("/customers").await.status };
    let (a, b, c, d) = tokio::join!(warm(), warm(), warm(), warm());
    assert_eq!([a, b, c, d], [StatusCode::OK; 4]);
    proxy.freeze();
    let began = Instant::now();
    let (mut editing, mut posting, mut entering) = (browser.clone(), browser.clone(), site.browser());
    let path = format!("/customers/{ID}/edit");
    let (edit, form, entry) = tokio::join!(
        editing.submit(&path, &[("version", "1"), ("city", "Bath")]),
        posting.post(&path, &[("version", "1"), ("city", "Bath")]),
        entering.post(
            "/sign-in",
            &[("email", "admin0@example.org"), ("password", PASSWORD)]
        ),
    );
    assert!(began.elapsed() < PATIENCE_OF_FORMS, "{:?}", began.elapsed());
    for answer in [edit, form, entry] {
        assert_away(&answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_a_frozen_postgres_behind_a_sound_connection_is_told_in_time() {
    let (site, faults, browser) = scene().await;
    meet_a_frozen_connection(&site, &faults.postgres, &browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_a_frozen_redis_behind_a_sound_connection_is_told_in_time() {
    let (site, faults, browser) = scene().await;
    meet_a_frozen_connection(&site, &faults.redis, &browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stopped_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.postgres, browser, Proxy::break_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_frozen_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.postgres, browser, Proxy::freeze).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stopped_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.redis, browser, Proxy::break_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_frozen_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.redis, browser, Proxy::freeze).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_takes_every_connection_and_is_told_in_time() {
    let site = Site::of(House::new().await);
    let admin = site.house.user(BuiltInRole::Admin, None).await;
    let browser = site.signed_in(admin).await;
    let locked = site
        .house
        .database
        .run("BEGIN; LOCK TABLE customer; SELECT pg_sleep(4); COMMIT");
    let asked = async {
        let taken = "SELECT count(*)::text FROM pg_locks \
             WHERE relation = 'customer'::regclass AND mode = 'AccessExclusiveLock' AND granted";
        eventually("the table is locked", BACK_WITHIN, || async {
            site.house.database.read(taken).await == "1"
        })
        .await;
        // More at once than there are connections: all of them wait for the table, and the rest for a connection.
        let all = (0..40).map(|_| {
            let mut browser = browser.clone();
            async move { timed(browser.get("/customers")).await }
        });
        for answer in futures::future::join_all(all).await {
            assert_away(&answer);
        }
    };
    tokio::join!(locked, asked);
    eventually("the list is there again", BACK_WITHIN, || {
        let mut browser = browser.clone();
        async move { browser.get("/customers").await.status == StatusCode::OK }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_says_the_id_by_which_it_is_found_in_the_log() {
    let (site, mut browser) = Site::with_admin().await;
    site.house
        .database
        .run("ALTER TABLE customer RENAME COLUMN city TO town")
        .await;
    let fields = [("id", ID), ("name", "Ada"), ("city", "Bath")];
    let answers = [
        browser.get("/customers").await,
        browser.read("customer/list", "query=").await,
        browser.submit("/customers/new", &fields).await,
        browser.post("/customers/new", &fields).await,
    ];
    // And where not even who asks can be found out.
    site.house
        .database
        .run("ALTER TABLE app_user RENAME COLUMN zone TO region")
        .await;
    let stopped = [
        browser.get("/customers").await,
        browser.read("customer/list", "query=").await,
        browser.post("/customers/new", &fields).await,
    ];
    for answer in answers.into_iter().chain(stopped) {
        assert_eq!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{}",
            answer.body
        );
        let id = answer.header("x-request-id");
        assert!(
            id.len() == 32 && answer.body.contains(id),
            "{id}: {}",
            answer.body
        );
    }
}
