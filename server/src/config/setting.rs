//! What there is to set, told to the one who hosts: `.env.example` is written from this.

use std::fmt::Write;

/// A setting.
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What it is for, as lines; nothing where the setting above tells of both.
    pub about: &'static str,
    /// A value as it may be set.
    pub example: &'static str,
    /// Who reads it.
    pub reader: Reader,
}

/// Who reads a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// `compose.yaml`, which cannot do without it.
    ComposeNeeds,
    /// `compose.yaml`.
    Compose,
    /// The program.
    Program,
    /// The program, which never shows it: it is, or may hold, a secret.
    ProgramAsSecret,
}

/// All settings, by what they are about.
pub const SETTINGS: &[(&str, &[Setting])] = &[
    (
        "compose.yaml only",
        &[
            Setting {
                name: "POSTGRES_PASSWORD",
                about: "The passwords between Rapport and its databases. They stand in an address, so use letters and digits only, as\n\
                    `openssl rand -hex 24` makes them. PostgreSQL takes its own when its volume is made: change it there first later on.",
                example: "",
                reader: Reader::ComposeNeeds,
            },
            Setting {
                name: "REDIS_PASSWORD",
                about: "",
                example: "",
                reader: Reader::ComposeNeeds,
            },
            Setting {
                name: "RAPPORT_PORT",
                about: "The port of this machine, on loopback only, at which a proxy that speaks TLS finds Rapport.",
                example: "3000",
                reader: Reader::Compose,
            },
            Setting {
                name: "RAPPORT_SUBNET",
                about: "The private network between that port and Rapport, if the usual one is taken here: what the proxy on this machine\n\
                    says arrives from its first address. Change both together.",
                example: "172.31.250.0/24",
                reader: Reader::Compose,
            },
            Setting {
                name: "RAPPORT_GATEWAY",
                about: "",
                example: "172.31.250.1",
                reader: Reader::Compose,
            },
        ],
    ),
    (
        "the data (compose.yaml sets these two by itself)",
        &[
            Setting {
                name: "DATABASE_URL",
                about: "PostgreSQL, 15 to 18, with the extensions btree_gin, btree_gist, pg_trgm and unaccent (they belong to its usual\n\
                    packages). The role owns the database. Needed.",
                example: "postgres://rapport:password@127.0.0.1:5432/rapport",
                reader: Reader::ProgramAsSecret,
            },
            Setting {
                name: "REDIS_URL",
                about: "Redis, 7 or newer: sessions, limits, caches and live events. Switch on \"appendonly\", or a restart of Redis signs\n\
                    everyone out. Needed.",
                example: "redis://default:password@127.0.0.1:6379/0",
                reader: Reader::ProgramAsSecret,
            },
            Setting {
                name: "DATABASE_CONNECTIONS",
                about: "The most connections to PostgreSQL that one server opens. All servers together must stay below its max_connections.",
                example: "10",
                reader: Reader::Program,
            },
        ],
    ),
    (
        "the seal",
        &[Setting {
            name: "SEAL_KEY",
            about: "What the journal is sealed with: 64 hexadecimal digits, as `openssl rand -hex 32` makes them. With it nobody who has\n\
                    only the database can change what was done and not be found out by `rapport audit verify`. All servers and commands\n\
                    need the same one: stop all of them before it is first set or changed, for what is written without it looks forged.\n\
                    Keep it apart from the database and its backups. Lost? Set a new one and run `rapport audit renew`. Unless set: the\n\
                    journal is not sealed.",
            example: "",
            reader: Reader::ProgramAsSecret,
        }],
    ),
    (
        "the network",
        &[
            Setting {
                name: "RAPPORT_ADDRESS",
                about: "Address and port to listen on. Plain HTTP is served to loopback only; for everybody else a proxy in front speaks TLS,\n\
                    and a page says so to whoever comes without one. In the image: 0.0.0.0:3000.",
                example: "127.0.0.1:3000",
                reader: Reader::Program,
            },
            Setting {
                name: "METRICS_ADDRESS",
                about: "Address and port at which Prometheus finds figures, at /metrics, in clear and without a password: keep it inside.\n\
                    Unless set: nowhere.",
                example: "127.0.0.1:9464",
                reader: Reader::Program,
            },
            Setting {
                name: "TRUSTED_PROXIES",
                about: "The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks, separated by commas.\n\
                    Nobody's are believed unless named here, and limits by address would then count everybody behind the proxy as one.\n\
                    With compose.yaml it is RAPPORT_GATEWAY unless set. Caddy, for one, needs no more than:\n\
                    \x20\x20crm.example.org {\n\
                    \x20\x20  reverse_proxy 127.0.0.1:3000\n\
                    \x20\x20}",
                example: "127.0.0.1,::1",
                reader: Reader::Program,
            },
            Setting {
                name: "PUBLIC_URL",
                about: "Where people reach it, without a path. Links in mails lead there. Unless set: the address above.",
                example: "https://crm.example.org",
                reader: Reader::Program,
            },
            Setting {
                name: "REQUIRE_TLS",
                about: "\"yes\": nothing leaves this machine in clear. Rapport refuses to start where DATABASE_URL, REDIS_URL or SMTP_URL lead to\n\
                    another machine without TLS and a certificate that is looked at, where PUBLIC_URL is not https:// and where\n\
                    METRICS_ADDRESS is not loopback; webhooks are sent by https:// alone. For authorities of your own: sslrootcert=FILE in\n\
                    DATABASE_URL, SSL_CERT_FILE for all others. Not with compose.yaml, whose databases are in a network of their own.",
                example: "yes",
                reader: Reader::Program,
            },
            Setting {
                name: "HSTS_SUBDOMAINS",
                about: "\"yes\": browsers are told to use TLS not only for the name of Rapport, for a year, but for all names below it.",
                example: "yes",
                reader: Reader::Program,
            },
            Setting {
                name: "API_RATE",
                about: "How often one key of the REST API may ask in a minute.",
                example: "600",
                reader: Reader::Program,
            },
            Setting {
                name: "WEBHOOK_NETWORKS",
                about: "Webhooks lead to public addresses only, so that nobody reaches by them what stands beside this server. The addresses or\n\
                    networks that they may lead to all the same, separated by commas.",
                example: "10.20.0.0/16",
                reader: Reader::Program,
            },
            Setting {
                name: "WEBHOOK_HOSTS",
                about: "The only hosts that webhooks may lead to, separated by commas; *.example.org is all below that name. Unless set: all.",
                example: "hooks.example.org,*.example.net",
                reader: Reader::Program,
            },
        ],
    ),
    (
        "mail",
        &[
            Setting {
                name: "SMTP_URL",
                about: "The server that takes mail: smtps:// speaks TLS, smtp://...?tls=required turns to it (STARTTLS), smtp:// alone speaks\n\
                    in clear and is for this machine. Without it mail stays in the outbox of the admin panel, where its links can be copied.",
                example: "smtps://user:password@mail.example.org",
                reader: Reader::ProgramAsSecret,
            },
            Setting {
                name: "MAIL_FROM",
                about: "From whom mails come. Needed with SMTP_URL.",
                example: "Rapport <crm@example.org>",
                reader: Reader::Program,
            },
        ],
    ),
    (
        "the log",
        &[
            Setting {
                name: "RUST_LOG",
                about: "How much is logged: error, warn, info, debug or trace, also by part (\"info,rapport_service=debug\").",
                example: "info",
                reader: Reader::Program,
            },
            Setting {
                name: "LOG_FORMAT",
                about: "\"text\" for people, \"json\" for programs (one object a line).",
                example: "text",
                reader: Reader::Program,
            },
        ],
    ),
];

const HEAD: &str = "# Every setting of Rapport, all read from the environment. For compose.yaml copy this file to .env and set the two\n\
    # passwords; for a program run by hand or by a service manager set the same variables there. An empty value counts as\n\
    # not set. script/server needs none of them. DATABASE_URL, REDIS_URL, SEAL_KEY and SMTP_URL may also stand in files:\n\
    # DATABASE_URL_FILE=/run/secrets/database_url, and so on.\n";
/// How wide a line of the example is.
const WIDTH: usize = 118;

/// `.env.example`: every setting with what it is for.
#[must_use]
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for (title, settings) in SETTINGS {
        let rule = format!("# --- {title} ");
        // Writing into a text cannot fail.
        let _ = writeln!(text, "\n{rule}{}", "-".repeat(WIDTH.saturating_sub(rule.len())));
        for setting in *settings {
            if !setting.about.is_empty() {
                text.push('\n');
            }
            for line in setting.about.lines() {
                let _ = writeln!(text, "{}", format!("# {line}").trim_end());
            }
            let mark = if setting.reader == Reader::ComposeNeeds {
                ""
            } else {
                "#"
            };
            let _ = writeln!(text, "{mark}{}={}", setting.name, setting.example);
        }
    }
    text
}
