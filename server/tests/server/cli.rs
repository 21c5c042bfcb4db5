//! The command line, as a person or a script calls it: the real program on a database of its own.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rapport_domain::access::BuiltInRole;
use rapport_server::config::setting;
use rapport_service::user;
use rapport_testing::{House, SEAL_KEY, TestDatabase};

const NORTHWIND: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../domain/tests/data/northwind-customers.csv"
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_rapport");

/// A key that no house is sealed with.
const OTHER_KEY: &str = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e";

/// A house with somebody who may make customers, and the program beside it.
struct Console {
    house: House,
    folder: PathBuf,
    key: &'static str,
}

struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Console {
    async fn new() -> Self {
        let house = House::new().await;
        house.user(BuiltInRole::Admin, None).await;
        let folder = std::env::temp_dir().join(format!(
            "rapport-cli-{}",
            house.service.clock().new_id::<uuid::Uuid>()
        ));
        std::fs::create_dir(&folder).unwrap();
        Self {
            house,
            folder,
            key: SEAL_KEY,
        }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Said {
        self.run_with(arguments, input, &[])
    }

    /// The same with other settings.
    fn run_with(&self, arguments: &[&str], input: &str, settings: &[(&str, &str)]) -> Said {
        let mut program = Command::new(PROGRAM);
        program.args(arguments);
        self.begin(program, input, settings)
    }

    /// Has a shell do what is typed.
    fn type_in(&self, line: &str, settings: &[(&str, &str)]) -> Said {
        let folder = Path::new(PROGRAM).parent().unwrap().display();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .env("PATH", format!("{folder}:{}", std::env::var("PATH").unwrap()));
        self.begin(shell, "", settings)
    }

    fn begin(&self, mut program: Command, input: &str, settings: &[(&str, &str)]) -> Said {
        program
            .current_dir(&self.folder)
            .env("DATABASE_URL", self.house.database.url())
            .env("REDIS_URL", std::env::var("TEST_REDIS_URL").unwrap())
            .env("SEAL_KEY", self.key)
            .env("RUST_LOG", "off")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        // A program that does not read may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Said {
            status: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    async fn count(&self, table: &str) -> String {
        let alive = if table == "customer" {
            " WHERE deleted_at IS NULL"
        } else {
            ""
        };
        let count = format!("SELECT count(*)::text FROM {table}{alive}");
        self.house.database.read(&count).await
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Left behind, it harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_export_comes_in_by_command_doubles_nobody_and_is_taken_back() {
    let console = Console::new().await;
    let before = console.run(&["import", "revert"], "");
    assert_eq!(
        (before.status, before.err.as_str()),
        (1, "rapport: There is no import to take back.\n")
    );

    let dry = console.run(&["import", "customers", NORTHWIND, "--dry-run"], "");
    assert_eq!(dry.status, 2, "{}{}", dry.out, dry.err);
    assert!(dry.out.contains("67"), "{}", dry.out);
    assert_eq!(
        (console.count("customer").await, console.count("import").await),
        ("0".into(), "0".into())
    );

    let first = console.run(&["import", "customers", NORTHWIND], "");
    assert_eq!(first.status, 2, "{}{}", first.out, first.err);
    let lines = first
        .out
        .lines()
        .filter(|line| line.trim_start().starts_with("line "));
    assert_eq!(lines.count(), 24, "{}", first.out);
    assert_eq!(console.count("customer").await, "134");

    let again = console.run(&["import", "customers", NORTHWIND, "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(
        (again.status, &report["unchanged_rows"], &report["created_rows"]),
        (2, &67.into(), &0.into())
    );

    let back = console.run(&["import", "revert"], "");
    assert_eq!(
        (back.status, console.count("customer").await),
        (0, "0".into()),
        "{}{}",
        back.out,
        back.err
    );
    assert!(
        back.out.contains("134 customers taken back, 0 left"),
        "{}",
        back.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_imported_again_changes_nothing_and_a_mapping_can_be_kept_in_a_file() {
    let console = Console::new().await;
    let list = console.file("list.csv", "Who,Where\nÅsa,Luleå\n=cmd(),Bath\n".as_bytes());
    let unmapped = console.run(&["import", "customers", &list], "");
    assert_eq!(unmapped.status, 1);
    assert!(
        unmapped.err.contains("No column names a company or a person"),
        "{}",
        unmapped.err
    );

    let named = console.file("named.csv", "Name,City\nÅsa,Luleå\n=cmd(),Bath\n".as_bytes());
    let map = console.run(&["import", "customers", &named, "--show-map"], "");
    let map = map
        .out
        .replace("\"Name\"", "\"Who\"")
        .replace("\"City\"", "\"Where\"");
    let map = console.file("map.json", map.as_bytes());
    let mapped = console.run(&["import", "customers", &list, "--map", &map], "");
    assert_eq!(
        (mapped.status, console.count("customer").await),
        (0, "2".into()),
        "{}",
        mapped.err
    );

    let export = console.run(&["export", "customers"], "");
    assert!(
        export.out.contains("'=cmd()") && export.out.contains("Åsa"),
        "{}",
        export.out
    );
    let changes = console.count("change").await;
    let export = console.file("export.csv", export.out.as_bytes());
    let again = console.run(&["import", "customers", &export, "--on-match", "update"], "");
    assert_eq!(
        (again.status, console.count("change").await),
        (0, changes),
        "{}",
        again.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_customers_is_said_in_a_sentence() {
    let console = Console::new().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for (file, sentence) in [
        (console.file("empty.csv", b""), "empty"),
        (console.file("header.csv", b"Name,City\n"), "no rows under it"),
        (console.file("picture.csv", png), "not a text file"),
        (
            console.folder.join("missing.csv").display().to_string(),
            "missing.csv",
        ),
        (console.folder.display().to_string(), "this is no file"),
    ] {
        let said = console.run(&["import", "customers", &file], "");
        assert_eq!(said.status, 1, "{file}");
        assert!(
            said.err.contains(sentence) && said.err.lines().count() == 1,
            "{file}: {}",
            said.err
        );
    }
    assert_eq!(console.count("import").await, "0");
}

/// The secret of the link that a command printed.
fn link_in(out: &str) -> &str {
    let (_, link) = out
        .trim()
        .split_once("https://crm.example.org/reset/")
        .expect("a link");
    link
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_let_in_and_given_new_passwords_by_command() {
    let console = Console::new().await;
    let create = [
        "user",
        "create",
        "--email",
        "ben@example.org",
        "--name",
        "Ben Okri",
        "--password-stdin",
    ];
    let weak = console.run(&create, "short\n");
    assert_eq!(weak.status, 1);
    assert!(weak.err.contains("at least 12 characters"), "{}", weak.err);
    let made = console.run(&create, "seven quiet herons over a lake\n");
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(!made.out.contains("herons"), "it is not repeated");
    let twice = console.run(&create, "seven quiet herons over a lake\n");
    assert_eq!(twice.status, 1);
    let hash = "SELECT password_hash FROM app_user WHERE email_key = 'ben@example.org'";
    let before = console.house.database.read(hash).await;
    let here = [("PUBLIC_URL", "https://crm.example.org")];
    let reset = console.run_with(&["user", "reset-password", "ben@example.org"], "", &here);
    assert_eq!(reset.status, 0, "{}", reset.err);
    let between = console.house.database.read(hash).await;
    assert_ne!(between, before, "the old password lets nobody in");
    let token = link_in(&reset.out);
    let (service, from) = (&console.house.service, "127.0.0.1".parse().unwrap());
    let chosen = "seven other herons over a lake";
    let set = user::new_password(service, token, chosen, from).await.unwrap();
    assert_eq!(set, "ben@example.org");
    assert_ne!(console.house.database.read(hash).await, between);
    assert!(
        user::new_password(service, token, chosen, from).await.is_err(),
        "once"
    );

    let eva = [
        "user",
        "create",
        "--email",
        "eva@example.org",
        "--name",
        "Eva Dahl",
    ];
    let made = console.run_with(&eva, "", &here);
    assert_eq!(made.status, 0, "{}", made.err);
    let set = user::new_password(service, link_in(&made.out), chosen, from).await;
    assert_eq!(set.unwrap(), "eva@example.org");
    assert_eq!(
        console.count("mail").await,
        "0",
        "who asks at the console has the link"
    );
    let closed = "UPDATE app_user SET active = false WHERE email_key = 'ben@example.org'";
    console.house.database.run(closed).await;
    let before = console.house.database.read(hash).await;
    let refused = console.run_with(&["user", "reset-password", "ben@example.org"], "", &here);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert_eq!(
        console.house.database.read(hash).await,
        before,
        "nothing was done"
    );
    let none = console.run(&["user", "remove-second-factor", "ben@example.org"], "");
    assert_eq!(none.status, 1);
    assert!(none.err.contains("no second factor"), "{}", none.err);
    let nobody = console.run(&["user", "reset-password", "nobody@example.org"], "");
    assert_eq!((nobody.status, nobody.out.as_str()), (1, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_by_command_for_somebody_who_is_here() {
    let console = Console::new().await;
    let made = console.run(
        &[
            "key",
            "create",
            "--email",
            "admin0@example.org",
            "--name",
            "Sync",
            "--access",
            "write",
        ],
        "",
    );
    assert_eq!(made.status, 0, "{}", made.err);
    let key = made.out.trim();
    assert!(key.starts_with("rapport_key_") && key.len() == 76, "{key}");
    let service = &console.house.service;
    let caller = rapport_service::api_key::resolve(service, key, "127.0.0.1")
        .await
        .unwrap();
    assert_eq!(caller.access, rapport_domain::api_key::KeyAccess::Write);
    for (wrong, said) in [
        (
            ["--email", "nobody@example.org", "--days", "90"],
            "email: Nobody here",
        ),
        (["--email", "admin0@example.org", "--days", "7"], "days: "),
    ] {
        let mut order = vec!["key", "create", "--name", "Sync"];
        order.extend(wrong);
        let refused = console.run(&order, "");
        assert_eq!((refused.status, refused.out.as_str()), (1, ""));
        assert!(refused.err.contains(said), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seal_is_verified_kept_and_begun_anew_by_command() {
    let mut console = Console::new().await;
    console.run(&["audit", "head"], "");
    console.run(&["import", "customers", NORTHWIND], "");
    let head = console.run(&["audit", "head"], "");
    assert_eq!(head.status, 0, "{}", head.err);
    let head = head.out.trim();
    let holds = console.run(&["audit", "verify", "--head", head], "");
    assert_eq!(holds.status, 0, "{}{}", holds.out, holds.err);
    assert!(holds.out.contains(&format!("Head: {head}")), "{}", holds.out);
    let wrong = console.run(&["audit", "verify", "--head", "nonsense"], "");
    assert!(
        wrong.err.contains("rapport-seal:KEY:NUMBER:DIGEST"),
        "{}",
        wrong.err
    );

    let forge = "UPDATE change SET after = after || '{\"city\": \"Oz\"}' WHERE seq = 40";
    console.house.database.run(forge).await;
    let found = console.run(&["audit", "verify"], "");
    assert_eq!(found.status, 1);
    assert!(found.out.contains("NOT what was sealed. Block"), "{}", found.out);
    assert!(
        found.out.contains("change 40 is not what was written"),
        "{}",
        found.out
    );

    // No other key, and none at all, writes to it.
    for (key, said) in [
        ("", "SEAL_KEY is not set"),
        (OTHER_KEY, "is not the key"),
        ("5e", "64 hexadecimal"),
    ] {
        console.key = key;
        let refused = console.run(&["user", "create", "--email", "a@x.example", "--name", "Ada"], "");
        assert_eq!(refused.status, 1);
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    console.key = OTHER_KEY;
    let renewed = console.run(&["audit", "renew"], "");
    assert_eq!(renewed.status, 0, "{}", renewed.err);
    assert_eq!(console.run(&["audit", "verify"], "").status, 0);
    assert_eq!(console.run(&["audit", "renew"], "").status, 1);
}

#[test]
fn the_example_of_all_settings_is_the_one_in_the_repository() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    let kept = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        kept,
        setting::example(),
        "“rapport config --example > .env.example” writes it anew"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_the_settings_is_said_at_once_and_no_secret() {
    let console = Console::new().await;
    let shown = console.run(&["config"], "");
    assert_eq!(shown.status, 0, "{}", shown.err);
    assert!(shown.out.contains("SEAL_KEY             (set)"), "{}", shown.out);
    assert!(!shown.out.contains(SEAL_KEY) && !shown.out.contains("postgres://"));
    let settings = [
        ("SEAL_KEY", "hunter2"),
        ("API_RATE", "0"),
        ("LOG_FORMAT", "yaml"),
        ("WEBHOOK_NETWORKS", "10.0.0.0/8, inside"),
        ("WEBHOOK_HOSTS", "https://hooks.example.org"),
        ("HSTS_SUBDOMAINS", "perhaps"),
        ("PUBLIC_URL", "crm"),
        ("REDIS_URL", ""),
    ];
    for arguments in [&["config"][..], &["serve"], &["doctor"]] {
        let wrong = console.run_with(arguments, "", &settings);
        assert_eq!(wrong.status, 1);
        for (name, _) in settings {
            assert!(
                wrong.err.contains(name),
                "{arguments:?} says nothing of {name}: {}",
                wrong.err
            );
        }
        assert!(!wrong.err.contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tls_is_required_nothing_may_lead_away_in_clear() {
    let console = Console::new().await;
    let away = [
        (
            "DATABASE_URL",
            "postgres://rapport:hunter2@db.example.org/rapport?sslmode=require",
        ),
        ("REDIS_URL", "redis://default:hunter2@redis.example.org:6379/0"),
        ("SMTP_URL", "smtp://rapport:hunter2@mail.example.org"),
        ("MAIL_FROM", "crm@example.org"),
        ("PUBLIC_URL", "http://crm.example.org"),
        ("METRICS_ADDRESS", "10.0.0.7:9464"),
    ];
    let lax = console.run_with(&["config"], "", &away);
    assert_eq!(lax.status, 0, "{}", lax.err);
    let strict: Vec<_> = away.into_iter().chain([("REQUIRE_TLS", "yes")]).collect();
    for arguments in [&["config"][..], &["serve"]] {
        let refused = console.run_with(arguments, "", &strict);
        assert_eq!(refused.status, 1);
        let lines = refused.err.lines().filter(|line| line.contains("in clear"));
        assert_eq!(lines.count(), 5, "{}", refused.err);
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    }
    let backup = console.run_with(&["backup", "x.backup"], "", &strict);
    assert_eq!(
        (backup.status, backup.err.lines().count()),
        (1, 2),
        "{}",
        backup.err
    );
    // On this machine there is no way to listen to.
    let here = console.run_with(&["migrate", "--check"], "", &[("REQUIRE_TLS", "yes")]);
    assert_eq!(here.status, 0, "{}", here.err);
    // Links would lead there.
    let open = [("REQUIRE_TLS", "yes"), ("RAPPORT_ADDRESS", "0.0.0.0:3000")];
    let links = console.run_with(&["config"], "", &open);
    assert_eq!(links.status, 1);
    assert!(
        links
            .err
            .contains("PUBLIC_URL leads to http://0.0.0.0:3000 in clear"),
        "{}",
        links.err
    );
    let unclear = console.run_with(&["config"], "", &[("REQUIRE_TLS", "maybe")]);
    assert_eq!(
        unclear.err,
        "rapport: REQUIRE_TLS cannot be read: it is yes or no\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_may_stand_in_files() {
    let console = Console::new().await;
    let url = console.house.database.url();
    let file = console.file("database_url", format!("{url}\n").as_bytes());
    let by_file = [("DATABASE_URL", ""), ("DATABASE_URL_FILE", &*file)];
    let well = console.run_with(&["migrate", "--check"], "", &by_file);
    assert_eq!(well.status, 0, "{}", well.err);
    let shown = console.run_with(&["config"], "", &by_file);
    assert!(
        shown.out.contains("DATABASE_URL         (from a file)"),
        "{}",
        shown.out
    );
    let key = console.file("key", OTHER_KEY.as_bytes());
    // Sealed by the key of the environment, it takes no other.
    console.run(&["audit", "head"], "");
    let other = console.run_with(
        &["user", "remove-second-factor", "admin0@example.org"],
        "",
        &[("SEAL_KEY", ""), ("SEAL_KEY_FILE", &key)],
    );
    assert!(other.err.contains("SEAL_KEY is not the key"), "{}", other.err);

    let empty = console.file("empty", b" \n");
    for (settings, said) in [
        (
            [("DATABASE_URL", &*url), ("DATABASE_URL_FILE", &*file)],
            "set one of the two",
        ),
        (
            [("DATABASE_URL", ""), ("DATABASE_URL_FILE", "/nowhere/at/all")],
            "/nowhere/at/all: No such file",
        ),
        ([("DATABASE_URL", ""), ("DATABASE_URL_FILE", &*empty)], "is empty"),
    ] {
        let wrong = console.run_with(&["migrate", "--check"], "", &settings);
        assert_eq!((wrong.status, wrong.out.as_str()), (1, ""));
        assert!(
            wrong.err.contains(said) && !wrong.err.contains(&url),
            "{}",
            wrong.err
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_well_what_is_wrong_and_what_to_do() {
    let console = Console::new().await;
    let here = [("PUBLIC_URL", "https://crm.example.org")];
    let said = console.run_with(&["doctor"], "", &here);
    for line in [
        "ok     clock",
        "ok     schema",
        "ok     seal",
        "ok     address",
        "note   mail",
    ] {
        assert!(
            said.out.contains(line),
            "no “{line}” in\n{}{}",
            said.out,
            said.err
        );
    }
    let mail = [
        ("SMTP_URL", "smtp://rapport:hunter2@mail.example.org"),
        ("MAIL_FROM", "crm@example.org"),
    ];
    let clear = console.run_with(&["doctor"], "", &mail).out;
    assert!(
        clear.contains("note   mail        mail.example.org is another machine"),
        "{clear}"
    );
    assert!(!clear.contains("hunter2"));
    // The PostgreSQL of the tests is quick, and may lose what it was told.
    assert_eq!(said.status, i32::from(said.out.contains("WRONG")), "{}", said.out);

    console
        .house
        .database
        .run("DELETE FROM seaql_migrations WHERE version LIKE 'm0016%'")
        .await;
    let away = [
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
        ("DATABASE_CONNECTIONS", "100000"),
    ];
    let ill = console.run_with(&["doctor"], "", &away);
    assert_eq!(ill.status, 1);
    for line in [
        "WRONG  redis       REDIS_URL leads nowhere",
        "WRONG  schema      This database is older than this program. Please run “rapport migrate”.",
        "DATABASE_CONNECTIONS is 100000",
        "note   address",
    ] {
        assert!(ill.out.contains(line), "no “{line}” in\n{}{}", ill.out, ill.err);
    }
    let nowhere = [("DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/none")];
    let nowhere = console.run_with(&["doctor"], "", &nowhere);
    assert!(
        nowhere
            .out
            .contains("WRONG  postgresql  DATABASE_URL leads nowhere"),
        "{}",
        nowhere.out
    );
    assert!(!nowhere.out.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_the_schema_are_checked_and_rehearsed_before_they_are_taken() {
    let console = Console::new().await;
    let up = console.run(&["migrate", "--check"], "");
    assert_eq!((up.status, up.out.as_str()), (0, "The database is up to date.\n"));
    let empty = TestDatabase::empty().await;
    let here = [("DATABASE_URL", empty.url())];
    let here = here.each_ref().map(|(name, url)| (*name, url.as_str()));
    let missing = console.run_with(&["migrate", "--check"], "", &here);
    assert_eq!(missing.status, 2, "{}", missing.err);
    let rehearsed = console.run_with(&["migrate", "--dry-run"], "", &here);
    assert_eq!(rehearsed.status, 0, "{}", rehearsed.err);
    assert!(rehearsed.out.starts_with("m0001_foundation\n") && rehearsed.out.contains("would go through"));
    assert_eq!(console.run_with(&["migrate", "--check"], "", &here).status, 2);
    let taken = console.run_with(&["migrate"], "", &here);
    assert!(taken.out.contains("were taken"), "{}{}", taken.out, taken.err);
    assert_eq!(console.run_with(&["migrate", "--check"], "", &here).status, 0);
}

/// The lines of the guide that are meant to be typed.
fn typed_lines(guide: &str) -> Vec<&str> {
    let blocks = guide.split("```sh\n").skip(1);
    blocks
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_operators_guide_does_what_it_says() {
    let guide = include_str!("../../../docs/OPERATING.md");
    let lines = typed_lines(guide);
    assert!(lines.len() > 8, "the guide has lost its commands");
    let console = Console::new().await;
    let mut elsewhere = None;
    for line in lines {
        if line.starts_with("export DATABASE_URL=") {
            elsewhere = Some(TestDatabase::empty().await);
            continue;
        }
        let url = elsewhere.as_ref().map(TestDatabase::url);
        let settings: Vec<(&str, &str)> = url.iter().map(|url| ("DATABASE_URL", url.as_str())).collect();
        let said = console.type_in(line, &settings);
        // The PostgreSQL of the tests may lose what it was told, and a debug build has no site: the doctor says so. And
        // nobody here has a second factor.
        let well =
            said.status == 0 || line == "rapport doctor" || said.err.contains("There is no second factor.");
        assert!(well, "{line}\n{}{}", said.out, said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_for_its_owner_only_and_takes_no_other_files_place() {
    use std::os::unix::fs::PermissionsExt;
    let console = Console::new().await;
    let said = console.run(&["backup", "one.backup"], "");
    assert!(said.out.contains("Keep SEAL_KEY"), "{}{}", said.out, said.err);
    let file = console.folder.join("one.backup");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = console.run(&["backup", "one.backup"], "");
    assert_eq!(again.status, 1);
    assert!(again.err.contains("is there already"), "{}", again.err);
    let nowhere = console.run(&["backup", "no/such/folder/one.backup"], "");
    assert_eq!(nowhere.status, 1);
    let used = console.run(&["restore", "one.backup"], "");
    assert!(used.err.contains("not empty"), "{}", used.err);
    let none = console.run(&["restore", "none.backup"], "");
    assert!(none.err.contains("none.backup"), "{}", none.err);
    let left: Vec<_> = std::fs::read_dir(&console.folder).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
