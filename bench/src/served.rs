//! The program itself, as it is shipped, on a town.

use std::{net::SocketAddr, path::PathBuf, process::Stdio};

use http_body_util::Full;
use hyper::{Request, body::Bytes};
use rapport_testing::{House, PASSWORD, SEAL_KEY};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Result, far::Far, load};

/// A server that runs until this is dropped.
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub process: u32,
    child: Child,
}

impl Served {
    /// Waits until it is gone.
    ///
    /// # Errors
    /// When that cannot be known.
    pub async fn gone(&mut self) -> Result<()> {
        self.child.wait().await?;
        Ok(())
    }
}

/// Where the program lies, as `script/bench` says.
pub struct Release(PathBuf);

impl Release {
    /// The release that the environment names.
    ///
    /// # Errors
    /// When it names none.
    pub fn named() -> Result<Self> {
        let binary = std::env::var_os("RAPPORT_BINARY").map(PathBuf::from);
        Ok(Self(
            binary.ok_or("RAPPORT_BINARY is not set: script/bench sets it")?,
        ))
    }

    fn command(&self, house: &House) -> Result<Command> {
        let redis = std::env::var("TEST_REDIS_URL").map_err(|_| "TEST_REDIS_URL is not set")?;
        let mut command = Command::new(&self.0);
        command
            .env("DATABASE_URL", house.database.url())
            .env("REDIS_URL", redis);
        Ok(Self::settle(command))
    }

    fn far_command(&self, far: &Far) -> Command {
        let [enter, order @ ..] = Far::entering();
        let mut command = Command::new(enter);
        command
            .args(order)
            .arg(&self.0)
            .env("DATABASE_URL", &far.database_url)
            .env("REDIS_URL", &far.redis_url);
        Self::settle(command)
    }

    fn settle(mut command: Command) -> Command {
        command
            .env("SEAL_KEY", SEAL_KEY)
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("API_RATE", "1000000")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Starts it, with the log that people have, on a port that is free, or the one that is given.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn serve(&self, house: &House, port: u16) -> Result<Served> {
        let mut command = self.command(house)?;
        command.env("RAPPORT_ADDRESS", format!("127.0.0.1:{port}"));
        start(command).await
    }

    /// The same on the other host.
    ///
    /// # Errors
    /// As [`Release::serve`].
    pub async fn serve_far(&self, far: &Far, port: u16) -> Result<Served> {
        let mut command = self.far_command(far);
        command
            .env(
                "RAPPORT_ADDRESS",
                SocketAddr::new(far.address(), port).to_string(),
            )
            .env("TRUSTED_PROXIES", far.proxy().to_string());
        start(command).await
    }

    /// A key of the API for somebody.
    ///
    /// # Errors
    /// When there is nobody of that address.
    pub async fn key(&self, house: &House, email: &str) -> Result<String> {
        let order = [
            "key", "create", "--email", email, "--name", "bench", "--access", "write",
        ];
        let output = self.command(house)?.args(order).output().await?;
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        if key.is_empty() {
            return Err(format!("no key for {email}").into());
        }
        Ok(key)
    }
}

async fn start(mut command: Command) -> Result<Served> {
    let mut child = command.arg("serve").stdout(Stdio::piped()).spawn()?;
    let said = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(said).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, address)) = line.split_once("listens on http://") {
            return Ok(Served {
                address: address.parse()?,
                process: child.id().ok_or("it is gone")?,
                child,
            });
        }
    }
    Err("the server did not start".into())
}

/// A request to a server, from this machine.
///
/// # Errors
/// When a header is none.
pub fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", to.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.body(Full::new(body.into()))?)
}

/// The form that signs somebody in, from behind a proxy; from another place for each number.
///
/// # Errors
/// When a header is none.
pub fn sign_in(to: SocketAddr, email: &str, from: u64) -> Result<Request<Full<Bytes>>> {
    let form = format!(
        "email={}&password={}",
        email.replace('@', "%40"),
        PASSWORD.replace(' ', "+")
    );
    let from = format!("10.{}.{}.{}", from >> 16 & 255, from >> 8 & 255, from & 255);
    let origin = format!("https://{to}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", origin.as_str()),
        ("x-forwarded-for", from.as_str()),
        ("x-forwarded-proto", "https"),
    ];
    request(to, "POST", "/sign-in", &headers, form)
}

/// What the browser of somebody who has signed in sends with every request.
///
/// # Errors
/// When they are not let in.
pub async fn signed_in(to: SocketAddr, email: &str) -> Result<[(&'static str, String); 3]> {
    let answer = load::once(to, sign_in(to, email, 1)?).await?;
    let cookies = answer.headers().get_all("set-cookie").iter();
    let mut session = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let session = session.find(|cookie| cookie.len() > 40);
    let session = session.ok_or_else(|| format!("not let in: {}", answer.status()))?;
    Ok([
        ("cookie", session.to_owned()),
        ("x-forwarded-for", "10.0.0.1".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
    ])
}
