//! The same SQL without anything around it: what PostgreSQL's own bench makes of the statements of a request.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rapport_testing::TestDatabase;
use tokio::{process::Command, time::sleep};

use crate::Result;

/// How often a request is listened to, and the silence before it: what is said in that is somebody else's.
const LISTENED: usize = 2;
/// How long PostgreSQL may take to heed a setting, and to write what it heard.
const MOMENT: Duration = Duration::from_millis(200);
/// Longer than any part of a server waits before it looks again whether there is something to do.
const ROUND: Duration = Duration::from_millis(2_500);

/// How often a second `pgbench` runs a script on so many connections.
///
/// # Errors
/// When it is not installed, or PostgreSQL refuses a statement.
pub async fn rate(url: &str, script: &str, connections: usize, time: Duration) -> Result<f64> {
    let server: http::Uri = url.parse()?;
    let authority = server.authority().ok_or("no server in the address")?;
    let (user, password) = authority
        .as_str()
        .rsplit_once('@')
        .and_then(|(who, _)| who.split_once(':'))
        .ok_or("no user in the address")?;
    let file = Script::write(script)?;
    let output = Command::new("pgbench")
        .env("PGPASSWORD", password)
        .args(["-n", "-M", "prepared", "-j", "2", "-f"])
        .arg(&file.0)
        .args(["-c", &connections.to_string(), "-T", &time.as_secs().to_string()])
        .args(["-h", authority.host(), "-U", user])
        .args(["-p", &authority.port_u16().unwrap_or(5432).to_string()])
        .arg(server.path().trim_start_matches('/'))
        .output()
        .await
        .map_err(|why| format!("pgbench: {why}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next())
        .filter(|_| output.status.success());
    let rate = rate.ok_or_else(|| format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(rate.parse()?)
}

/// A script in a file, as long as it is needed.
struct Script(PathBuf);

impl Script {
    fn write(text: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("rapport-bench-{}.sql", std::process::id()));
        fs::write(&path, text)?;
        Ok(Self(path))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It is small, and in the folder for such files.
        let _ = fs::remove_file(&self.0);
    }
}

/// The statements that a request runs, in their order, with its values in them, as a script; read from PostgreSQL's log,
/// which needs the rights of a superuser.
///
/// # Errors
/// When PostgreSQL refuses to log, or logged nothing.
pub async fn statements(
    database: &TestDatabase,
    log: &Path,
    mut request: impl AsyncFnMut() -> Result<()>,
) -> Result<String> {
    database
        .run("ALTER SYSTEM SET log_min_duration_statement = 0")
        .await;
    database.run("SELECT pg_reload_conf()").await;
    let heard = listen(log, &mut request).await;
    // Whatever became of it: it would slow all that comes after.
    database
        .run("ALTER SYSTEM RESET log_min_duration_statement")
        .await;
    database.run("SELECT pg_reload_conf()").await;
    let script: String = heard?
        .into_iter()
        .map(|(text, values)| format!("{};\n", spelled_out(&text, &values)))
        .collect();
    if script.is_empty() {
        return Err("the log of PostgreSQL has no statement of the request".into());
    }
    Ok(script)
}

/// What is said of a request, and never while there is none.
async fn listen(log: &Path, request: &mut impl AsyncFnMut() -> Result<()>) -> Result<Vec<(String, String)>> {
    sleep(MOMENT).await;
    let mut others = BTreeSet::new();
    let mut heard = Vec::new();
    for _ in 0..LISTENED {
        let silent = hear(log, async || {
            sleep(ROUND).await;
            Ok(())
        });
        others.extend(silent.await?.into_iter().map(|(text, _)| text));
        heard.push(hear(log, &mut *request).await?);
    }
    let own = heard.pop().unwrap_or_default().into_iter();
    Ok(own.filter(|(text, _)| !others.contains(text)).collect())
}

/// What is said while something is done.
async fn hear(log: &Path, mut what: impl AsyncFnMut() -> Result<()>) -> Result<Vec<(String, String)>> {
    let before = fs::metadata(log)?.len();
    what().await?;
    sleep(MOMENT).await;
    let all = fs::read(log)?;
    let new = all.get(usize::try_from(before)?..).unwrap_or_default();
    Ok(executed(&String::from_utf8_lossy(new)))
}

/// The statements in a piece of the log, each with the line of its values.
fn executed(log: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut goes_on = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some((text, _))) = (goes_on, all.last_mut()) {
                text.push('\n');
                text.push_str(more);
            }
            continue;
        }
        goes_on = false;
        if let Some((_, values)) = line.split_once("DETAIL:  parameters: ") {
            if let Some((_, known)) = all.last_mut().filter(|(_, known)| known.is_empty()) {
                known.push_str(values);
            }
        } else if let Some((_, rest)) = line.split_once(" ms  execute ")
            && let Some((_, text)) = rest.split_once(": ")
        {
            all.push((text.to_owned(), String::new()));
            goes_on = true;
        }
    }
    all
}

/// A statement with its values in the place of `$1` and so on.
fn spelled_out(text: &str, values: &str) -> String {
    let mut spelled = text.to_owned();
    let mut values: Vec<(usize, &str)> = split(values).into_iter().enumerate().collect();
    values.reverse();
    for (place, value) in values {
        // $12 before $1.
        spelled = spelled.replace(&format!("${}", place + 1), value);
    }
    spelled
}

/// The values of `$1 = 'a', $2 = NULL`, as SQL.
fn split(values: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = values;
    while let Some((_, value)) = rest.split_once(" = ") {
        let end = match value.strip_prefix('\'') {
            Some(quoted) => 1 + end_of_quoted(quoted),
            None => value.find(',').unwrap_or(value.len()),
        };
        let (value, after) = value.split_at(end.min(value.len()));
        all.push(value);
        rest = after;
    }
    all
}

/// Where a quoted text ends, its last quote included; a quote in it stands twice.
fn end_of_quoted(quoted: &str) -> usize {
    let mut bytes = quoted.bytes().enumerate().peekable();
    while let Some((place, byte)) = bytes.next() {
        if byte == b'\'' && bytes.next_if(|(_, next)| *next == b'\'').is_none() {
            return place + 1;
        }
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_back_as_the_statements_that_were_run() {
        let log = "2026 [7] LOG:  duration: 0.1 ms  parse sqlx_s_1: SELECT $1\n\
            2026 [7] LOG:  duration: 0.1 ms  execute sqlx_s_1: SELECT a FROM b\n\
            \tWHERE c = $1 AND d = $2 AND e = $10\n\
            2026 [7] DETAIL:  parameters: $1 = 'it''s, $2 = ''x''', $2 = NULL, $3 = '', $4 = '4', $5 = '5', $6 = '6', \
            $7 = '7', $8 = '8', $9 = '9', $10 = '{a,\"b\"}'\n\
            2026 [8] LOG:  duration: 0.1 ms  execute sqlx_s_2: BEGIN\n";
        let all = executed(log);
        let spelled: Vec<String> = all
            .iter()
            .map(|(text, values)| spelled_out(text, values))
            .collect();
        assert_eq!(
            spelled,
            [
                "SELECT a FROM b\nWHERE c = 'it''s, $2 = ''x''' AND d = NULL AND e = '{a,\"b\"}'",
                "BEGIN"
            ]
        );
    }
}
