//! A host of its own on this machine: a network namespace behind a cable that can be pulled.
//!
//! PostgreSQL and Redis listen on loopback only, which is another one over there: relays on this end of the cable pass on
//! what comes from the other.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::MetadataExt,
    process::Command,
};

use rapport_testing::House;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::Result;

/// The two ends of the cable. Nobody else knows them: they are in this machine only.
const HERE: Ipv4Addr = Ipv4Addr::new(10, 213, 7, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 213, 7, 2);
const CABLE: &str = "rapport-cable0";
const FAR_CABLE: &str = "rapport-cable1";
const NAME: &str = "rapport-far";

/// The other host; gone when this is dropped.
pub struct Far {
    /// Where PostgreSQL and Redis are for whoever runs there.
    pub database_url: String,
    /// The same of Redis.
    pub redis_url: String,
    relays: Vec<JoinHandle<()>>,
}

impl Far {
    /// Makes it; none for those who may not.
    ///
    /// # Errors
    /// When this machine has no `ip`, or no network namespaces.
    pub fn new(house: &House) -> Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(None);
        }
        let redis = std::env::var("TEST_REDIS_URL").map_err(|_| "TEST_REDIS_URL is not set")?;
        // What a run that was killed left behind.
        let _ = ip(&format!("netns del {NAME}"));
        let _ = ip(&format!("link del {CABLE}"));
        let mut far = Self {
            database_url: String::new(),
            redis_url: String::new(),
            relays: Vec::new(),
        };
        ip(&format!("netns add {NAME}"))?;
        ip(&format!(
            "link add {CABLE} type veth peer name {FAR_CABLE} netns {NAME}"
        ))?;
        ip(&format!("addr add {HERE}/30 dev {CABLE}"))?;
        ip(&format!("link set {CABLE} up"))?;
        ip(&format!("-n {NAME} addr add {THERE}/30 dev {FAR_CABLE}"))?;
        ip(&format!("-n {NAME} link set lo up"))?;
        far.plug()?;
        far.database_url = far.relay(&house.database.url())?;
        far.redis_url = far.relay(&redis)?;
        Ok(Some(far))
    }

    /// Where its servers listen.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        IpAddr::V4(THERE)
    }

    /// Where the proxy of its servers asks from.
    #[must_use]
    pub fn proxy(&self) -> IpAddr {
        IpAddr::V4(HERE)
    }

    /// The order that runs something over there.
    #[must_use]
    pub fn entering() -> [&'static str; 4] {
        ["ip", "netns", "exec", NAME]
    }

    /// Pulls the cable: nothing arrives any more, and nobody is told.
    ///
    /// # Errors
    /// When that is not allowed.
    pub fn pull(&self) -> Result<()> {
        ip(&format!("-n {NAME} link set {FAR_CABLE} down"))
    }

    /// Puts it back in.
    ///
    /// # Errors
    /// When that is not allowed.
    pub fn plug(&self) -> Result<()> {
        ip(&format!("-n {NAME} link set {FAR_CABLE} up"))
    }

    /// Passes on what comes over the cable, and gives the URL by which the server is reached from there.
    fn relay(&mut self, url: &str) -> Result<String> {
        let (_, place) = url.rsplit_once('@').ok_or("a URL without a user")?;
        let place = place.split('/').next().unwrap_or_default();
        let server: SocketAddr = place.parse()?;
        let listener = std::net::TcpListener::bind((HERE, 0))?;
        listener.set_nonblocking(true)?;
        let here = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        self.relays.push(tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut from, &mut to).await
                });
            }
        }));
        Ok(url.replace(place, &here.to_string()))
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        for relay in &self.relays {
            relay.abort();
        }
        // The cable goes with it. The next run looks for what stays.
        let _ = ip(&format!("netns del {NAME}"));
    }
}

fn ip(order: &str) -> Result<()> {
    let output = Command::new("ip").args(order.split(' ')).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {order}: {}", said.trim()).into())
}
