//! Two servers behind HAProxy on one PostgreSQL and one Redis. Where this runs as root the second server is on a host of
//! its own: in a network namespace, behind a cable that can be pulled.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::MetadataExt,
    process::Command,
    time::Duration,
};

use rapport_testing::House;
use tokio::{process::Child, time::sleep};

use crate::{
    Result,
    far::Far,
    process,
    programs::{Employer, MADE},
    served::{Release, Served},
    town,
};

/// How long the proxy takes to see that a server is there.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// Two servers, a proxy in front of them, and what they stand on.
pub struct Scene {
    /// The database, and a service of its own in it.
    pub house: House,
    /// Whom programs work for.
    pub employer: Employer,
    /// The servers, as the proxy knows them.
    pub servers: Vec<Served>,
    /// The other host, if one could be made.
    pub far: Option<Far>,
    /// How PostgreSQL runs.
    pub postgres: Daemon,
    release: Release,
    /// Ends with the scene.
    _haproxy: Child,
}

/// What was written, against what was acknowledged.
pub struct Kept {
    /// Acknowledged, and not there.
    pub lost: usize,
    /// There twice.
    pub twice: usize,
    /// There, and never acknowledged.
    pub unasked: usize,
    /// Appointments of one person that overlap.
    pub overlaps: u64,
}

impl Scene {
    /// Builds it.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn begin(release: Release) -> Result<Self> {
        let house = House::new().await;
        let (staff, email) = town::admin(&house).await?;
        let far = Far::new(&house)?;
        let first = release.serve(&house, 0).await?;
        let second = match &far {
            Some(far) => release.serve_far(far, 0).await?,
            None => release.serve(&house, 0).await?,
        };
        let servers = vec![first, second];
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let haproxy = start_proxy(address, &servers)?;
        let scene = Self {
            employer: Employer {
                address,
                key: format!("Bearer {}", release.key(&house, &email).await?),
                staff,
            },
            servers,
            far,
            postgres: Daemon::of(town::postgres(&house).await?)?,
            house,
            release,
            _haproxy: haproxy,
        };
        sleep(SEEN_WITHIN).await;
        Ok(scene)
    }

    /// The process of a server, by its place.
    ///
    /// # Errors
    /// When there is none.
    pub fn server(&self, place: usize) -> Result<u32> {
        Ok(self.servers.get(place).ok_or("no such server")?.process)
    }

    /// Ends a server with a signal, and waits until it is gone.
    ///
    /// # Errors
    /// When that cannot be known.
    pub async fn end(&mut self, place: usize, how: &str) -> Result<()> {
        let server = self.servers.get_mut(place).ok_or("no such server")?;
        process::signal(server.process, how)?;
        server.gone().await
    }

    /// Starts a server that was ended where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self, place: usize) -> Result<()> {
        let server = self.servers.get_mut(place).ok_or("no such server")?;
        let port = server.address.port();
        *server = match &self.far {
            Some(far) if server.address.ip() == far.address() => self.release.serve_far(far, port).await?,
            _ => self.release.serve(&self.house, port).await?,
        };
        Ok(())
    }

    /// What is in the database, against what was acknowledged.
    pub async fn kept(&self, acknowledged: &BTreeSet<String>) -> Result<Kept> {
        let there = format!(
            "SELECT coalesce(string_agg(name, ' '), '') FROM (SELECT name FROM customer UNION ALL \
             SELECT title FROM appointment) AS made WHERE name LIKE '{MADE}%'"
        );
        let there = self.house.database.read(&there).await;
        let names: Vec<&str> = there.split_whitespace().collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        let overlaps = "SELECT count(*)::text FROM appointment_staff a JOIN appointment_staff b \
             ON a.staff = b.staff AND a.appointment < b.appointment AND a.during && b.during WHERE a.active AND b.active";
        Ok(Kept {
            lost: acknowledged
                .iter()
                .filter(|name| !once.contains(name.as_str()))
                .count(),
            twice: names.len() - once.len(),
            unasked: once.iter().filter(|name| !acknowledged.contains(**name)).count(),
            overlaps: self.house.database.read(overlaps).await.parse()?,
        })
    }

    /// How many connections the servers have to PostgreSQL.
    ///
    /// # Errors
    /// When PostgreSQL does not say.
    pub async fn connections(&self) -> Result<u64> {
        let open = "SELECT count(*)::text FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'rapport'";
        Ok(self.house.database.read(open).await.parse()?)
    }

    /// The memory of the server that holds most, in MB.
    ///
    /// # Errors
    /// When one is gone.
    pub fn memory(&self) -> Result<u64> {
        let all: Result<Vec<u64>> = self
            .servers
            .iter()
            .map(|server| Ok(process::resident(server.process)?.0))
            .collect();
        Ok(all?.into_iter().max().unwrap_or_default())
    }
}

/// A program that somebody else started, and how to start it again.
pub struct Daemon {
    /// Its first process.
    pub process: u32,
    order: Vec<String>,
    user: (u32, u32),
}

impl Daemon {
    fn of(process: u32) -> Result<Self> {
        let order = fs::read(format!("/proc/{process}/cmdline"))?;
        let order = String::from_utf8(order)?;
        let owner = fs::metadata(format!("/proc/{process}"))?;
        Ok(Self {
            process,
            order: order.split_terminator('\0').map(str::to_owned).collect(),
            user: (owner.uid(), owner.gid()),
        })
    }

    /// Starts it again if it is gone, as whatever keeps a service running does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn keep_running(&mut self) -> Result<()> {
        use std::os::unix::process::CommandExt;
        if process::parent(self.process).is_ok() {
            return Ok(());
        }
        let (program, arguments) = self.order.split_first().ok_or("no program")?;
        let mut command = Command::new(program);
        command.args(arguments).uid(self.user.0).gid(self.user.1);
        self.process = command.current_dir("/").spawn()?.id();
        Ok(())
    }
}

/// HAProxy as docs/OPERATING.md has it.
fn start_proxy(address: SocketAddr, servers: &[Served]) -> Result<Child> {
    let guide = include_str!("../../docs/OPERATING.md");
    let sample = guide
        .split("```haproxy\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let mut config = sample
        .ok_or("no sample for HAProxy in the guide")?
        .replace(":443 ssl crt /etc/haproxy/crm.pem", &address.to_string());
    for (place, server) in servers.iter().enumerate() {
        config = config.replace(&format!("10.0.0.{}:3000", place + 1), &server.address.to_string());
    }
    let file = std::env::temp_dir().join(format!("rapport-bench-{}.cfg", std::process::id()));
    fs::write(&file, config)?;
    let child = tokio::process::Command::new("haproxy")
        .arg("-db")
        .arg("-q")
        .arg("-f")
        .arg(&file)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?
        .local_addr()?
        .port())
}
