//! The command line. Answers go to standard output, the log to standard error.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use rapport_domain::{
    access::BuiltInRole, error::AppError, form::Values, id::UserId, journal::Via, user::NewUser,
};
use rapport_service::{
    Ctx, Service, Setup, clock::Clock, database, mail::Post, password, redis::Redis, seal, user,
};

use crate::{
    config::{self, Stores},
    demo, rest, serve,
};

mod audit;
mod backup;
mod doctor;
mod export;
mod import;
mod key;

/// What a command failed with, for a person.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// All rows are in.
const COMPLETE: u8 = 0;
/// It failed.
const FAILED: u8 = 1;
/// Some rows could not be read, and the others are in; or some steps are missing.
const INCOMPLETE: u8 = 2;

/// Rapport, a self-hosted CRM. Its settings come from the environment; `.env.example` explains them.
#[derive(Debug, Parser)]
#[command(name = "rapport", version)]
struct Arguments {
    #[command(subcommand)]
    command: Order,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Serves the application.
    Serve,
    /// Brings the database up to the schema of this program, all of it or nothing.
    Migrate {
        /// Only says which steps are missing; exit status 2 when some are.
        #[arg(long, conflicts_with = "dry_run")]
        check: bool,
        /// Takes the steps and takes them back: says whether they go through.
        #[arg(long)]
        dry_run: bool,
    },
    /// Fills an empty installation.
    Seed {
        /// With demo data, and accounts whose passwords everybody knows.
        #[arg(long, required = true)]
        demo: bool,
    },
    /// Accounts.
    #[command(subcommand)]
    User(UserOrder),
    /// Keys of the REST API.
    #[command(subcommand)]
    Key(key::KeyOrder),
    /// Brings records in from a file.
    #[command(subcommand)]
    Import(import::ImportOrder),
    /// Prints the description of the REST API: OpenAPI 3.1.
    Openapi,
    /// The journal and its seal.
    #[command(subcommand)]
    Audit(audit::AuditOrder),
    /// Shows the settings as they are read, secrets left out, and all that is wrong with them.
    Config {
        /// Prints .env.example instead.
        #[arg(long)]
        example: bool,
    },
    /// Looks at everything that Rapport stands on, and says what to do about what is wrong.
    Doctor,
    /// Writes the whole installation into one file, as it is at one moment. Nobody has to stop for it.
    Backup(backup::Archive),
    /// Brings such a file back into an empty database.
    Restore(backup::Archive),
    /// Writes records to standard output, as a file that can be imported again.
    #[command(subcommand)]
    Export(export::ExportOrder),
}

#[derive(Debug, Subcommand)]
enum UserOrder {
    /// Lets somebody in. Prints a link by which they choose a password, unless one comes from standard input.
    Create {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// The full name.
        #[arg(long)]
        name: String,
        /// admin, manager, member or read_only.
        #[arg(long, default_value = "member")]
        role: BuiltInRole,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Takes the second factor of an account away, whose owner lost it.
    RemoveSecondFactor {
        /// The address to sign in with.
        email: String,
    },
    /// Takes the password of an account away and ends its sessions. Prints a link for a new one, as above.
    ResetPassword {
        /// The address to sign in with.
        email: String,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(arguments.command)));
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            // Where even that cannot be written, nobody reads it.
            let _ = writeln!(io::stderr(), "rapport: {failure}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(order: Order) -> Result<u8, Failure> {
    match order {
        Order::Serve => {
            let (stores, config) = config::of_server()?;
            serve::serve(stores, config).await.map(|()| COMPLETE)
        }
        Order::Config { example } => doctor::config(example),
        Order::Doctor => doctor::doctor().await,
        Order::Migrate { check, dry_run } => migrate(check, dry_run).await,
        Order::Seed { demo: _ } => demo::seed(&service().await?).await.map(|()| COMPLETE),
        Order::User(UserOrder::Create {
            email,
            name,
            role,
            password_stdin,
        }) => {
            let given = given_password(password_stdin)?;
            let password = given.clone().unwrap_or_else(password::unguessable);
            let values = Values::default()
                .with("email", email)
                .with("name", name)
                .with("password", password);
            let new = NewUser::parse(&values, role).map_err(|fields| told(AppError::from(fields)))?;
            let (service, email) = (service().await?, new.email.clone());
            user::create(&service, new, None).await.map_err(tell)?;
            say(&format!("{email} works here now, as {role}."))?;
            let link = match given {
                Some(_) => None,
                None => Some(user::console_link(&service, &email).await.map_err(tell)?),
            };
            say_way_in(link)
        }
        Order::User(UserOrder::ResetPassword {
            email,
            password_stdin,
        }) => {
            let service = service().await?;
            let link = match given_password(password_stdin)? {
                Some(given) => user::reset_password(&service, &email, &given)
                    .await
                    .map(|()| None),
                None => user::reset_by_link(&service, &email).await.map(Some),
            };
            let link = link.map_err(tell)?;
            say(&format!(
                "The password of {email} is not good any more; all sessions of the account have ended."
            ))?;
            say_way_in(link)
        }
        Order::User(UserOrder::RemoveSecondFactor { email }) => {
            user::remove_factor(&service().await?, &email)
                .await
                .map_err(tell)?;
            say(&format!(
                "{email} has no second factor any more; all sessions of the account have ended."
            ))?;
            Ok(COMPLETE)
        }
        Order::Openapi => {
            say(&rest::description().to_pretty_json()?)?;
            Ok(COMPLETE)
        }
        Order::Key(order) => key::run(order).await,
        Order::Audit(order) => audit::run(order).await,
        Order::Import(order) => import::run(order).await,
        Order::Export(order) => export::run(order).await,
        Order::Backup(archive) => backup::write(archive).await,
        Order::Restore(archive) => backup::read(archive).await,
    }
}

async fn migrate(check: bool, dry_run: bool) -> Result<u8, Failure> {
    let stores = Stores::from_env()?;
    let db = database::connect(&stores.database_url, 1).await.map_err(tell)?;
    let (steps, did) = if check {
        (database::pending(&db).await, "are missing")
    } else if dry_run {
        (database::rehearse(&db).await, "would go through")
    } else {
        (database::migrate(&db).await, "were taken")
    };
    let steps = steps.map_err(tell)?;
    if steps.is_empty() {
        say("The database is up to date.")?;
        return Ok(COMPLETE);
    }
    for step in &steps {
        say(step)?;
    }
    say(&format!("Steps that {did}: {}.", steps.len()))?;
    Ok(if check { INCOMPLETE } else { COMPLETE })
}

/// A user acting from the console.
pub(crate) async fn acting(service: &Service, id: UserId) -> Result<Ctx, Failure> {
    let actor = user::actor(service, id).await.map_err(tell)?;
    Ok(service.acting(actor, Via::Console))
}

/// The service, on a database with the right schema, whose seal this program may go on with.
async fn service() -> Result<Service, Failure> {
    let service = unchecked_service().await?;
    seal::check(&service).await.map_err(tell)?;
    Ok(service)
}

/// The same whatever the seal of the database says.
async fn unchecked_service() -> Result<Service, Failure> {
    let stores = Stores::from_env()?;
    let db = database::connect(&stores.database_url, stores.connections)
        .await
        .map_err(tell)?;
    database::check_schema(&db).await.map_err(tell)?;
    let redis = Redis::connect(&stores.redis_url, crate::REDIS_PREFIX)?;
    let setup = Setup {
        post: Post::at(&config::public_address()?),
        key: stores.key,
        ..Setup::default()
    };
    Ok(Service::new(db, redis, Clock::default(), setup))
}

/// Says by what somebody comes in: a link, unless their password was given.
fn say_way_in(link: Option<String>) -> Result<u8, Failure> {
    if let Some(link) = link {
        say(&format!("They choose one here, once, within 24 hours: {link}"))?;
    }
    Ok(COMPLETE)
}

/// The password from standard input, if it stands there.
fn given_password(from_stdin: bool) -> Result<Option<String>, Failure> {
    if !from_stdin {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin().lock().read_line(&mut text)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(Some(text))
}

/// Prints an answer.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// What a service error says to the person at the console.
pub(crate) fn tell(error: rapport_service::Error) -> Failure {
    told(match error {
        // Here the person may see the cause, and needs it.
        rapport_service::Error::Told(error) => error,
        cause => return format!("{cause}").into(),
    })
}

fn told(error: AppError) -> Failure {
    match error {
        AppError::Invalid { fields } => {
            let lines: Vec<String> = fields
                .0
                .into_iter()
                .map(|(field, sentence)| format!("{field}: {sentence}"))
                .collect();
            lines.join("\n").into()
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_hold_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let tried = Arguments::try_parse_from(["rapport", "user", "reset-password", "a@b", "secret"]);
        assert!(tried.is_err());
    }
}
