//! Rate limits, shared by all servers through Redis.

use std::{net::IpAddr, time::Duration};

use rapport_domain::error::AppError;

use crate::{Ctx, Result, Service, secret};

/// How often something may be done: `burst` times at once, and no more than `burst` times in `per` for long.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// What is limited; a part of the key in Redis.
    pub name: &'static str,
    /// How many at once.
    pub burst: u32,
    /// The time in which that many are free again.
    pub per: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Tries to sign in from one client address, whatever the account.
pub const SIGN_IN_FROM: Limit = Limit {
    name: "sign-in-from",
    burst: 30,
    per: MINUTE,
};
/// Tries to sign in to one account from one client address.
pub const SIGN_IN_ACCOUNT_FROM: Limit = Limit {
    name: "sign-in-account-from",
    burst: 10,
    per: MINUTE,
};
/// Tries to sign in to one account from anywhere. Wider, so that one stranger's guessing does not lock its owner out.
pub const SIGN_IN_ACCOUNT: Limit = Limit {
    name: "sign-in-account",
    burst: 60,
    per: MINUTE,
};
/// Tries of the set-up token from one client address.
pub const SET_UP_FROM: Limit = Limit {
    name: "set-up-from",
    burst: 10,
    per: MINUTE,
};
/// Looks at links that let people in, and uses of them, from one client address.
pub const LINK_FROM: Limit = Limit {
    name: "link-from",
    burst: 60,
    per: MINUTE,
};
/// Mails that somebody asks for who is not signed in, from one client address.
pub const MAIL_FROM: Limit = Limit {
    name: "mail-from",
    burst: 30,
    per: Duration::from_secs(3_600),
};
/// The same, to one address.
pub const MAIL_TO: Limit = Limit {
    name: "mail-to",
    burst: 3,
    per: Duration::from_secs(3_600),
};
/// Looks at one calendar by its link.
pub const CALENDAR: Limit = Limit {
    name: "calendar",
    burst: 60,
    per: MINUTE,
};
/// Words by which the tabs of one person say where they are.
pub const HERE: Limit = Limit {
    name: "here",
    burst: 240,
    per: MINUTE,
};
/// How often one key may ask in a minute, unless who hosts says otherwise.
pub const KEY_RATE: u32 = 600;
/// Keys that are none, from one client address.
pub const KEY_FROM: Limit = Limit {
    name: "key-from",
    burst: 60,
    per: MINUTE,
};
/// Tries of the code of an app for one account whose password was right. Of a million codes three are right at a time: at
/// ten an hour one is guessed after four years on average.
pub const CODE_OF: Limit = Limit {
    name: "code-of",
    burst: 10,
    per: Duration::from_secs(3_600),
};
/// Tries of one's own password, where something is done that needs it.
pub const PASSWORD_OF: Limit = Limit {
    name: "password-of",
    burst: 10,
    per: MINUTE,
};

/// Forms that somebody sends who is signed in, by hand or by a program of theirs.
pub const FORMS_OF: Limit = Limit {
    name: "forms-of",
    burst: 600,
    per: MINUTE,
};
/// Files that somebody takes out, and files that they begin to bring in: each can hold all that there is.
pub const FILES_OF: Limit = Limit {
    name: "files-of",
    burst: 600,
    per: Duration::from_secs(3_600),
};

/// What a program asks by one key.
pub(crate) fn by_key(service: &Service) -> Limit {
    Limit {
        name: "key",
        burst: service.key_rate(),
        per: MINUTE,
    }
}

/// The generic cell rate algorithm (ITU-T I.371) over several keys: takes from all, or from none and says how many
/// milliseconds to wait; and says when the whole burst of the first is free again. A key holds the time at which its whole burst is free again, in microseconds.
const SCRIPT: &str = "
local now = tonumber(ARGV[1])
local wait, whole = 0, {}
for i = 1, #KEYS do
    local burst, per = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local free = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now) + per / burst
    whole[i] = free
    wait = math.max(wait, free - now - per)
end
if wait > 0 then return { math.ceil(wait / 1000), 0 } end
for i = 1, #KEYS do
    redis.call('SET', KEYS[i], string.format('%.0f', whole[i]), 'PX', math.ceil((whole[i] - now) / 1000) + 1000)
end
return { 0, whole[1] }";

/// What is left of a limit after something was taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// How many at once.
    pub burst: u32,
    /// How many of them are free now.
    pub remaining: u32,
    /// Seconds until all are.
    pub reset: u32,
}

/// Takes one from each limit, by its key, or from none of them.
///
/// # Errors
/// [`AppError::TooManyRequests`] with the time to wait; and when Redis is away, because then nobody counts.
pub async fn take(service: &Service, limits: &[(Limit, &str)]) -> Result<()> {
    spend(service, limits).await.map(drop)
}

/// As [`take`] from one limit of the actor's own.
///
/// # Errors
/// As [`take`].
pub async fn take_own(ctx: &Ctx, limit: Limit) -> Result<()> {
    take(ctx.service(), &[(limit, &ctx.actor().user.to_string())]).await
}

/// As [`take`] from one limit, and says what is left of it.
///
/// # Errors
/// As [`take`].
pub async fn take_one(service: &Service, limit: Limit, key: &str) -> Result<Left> {
    let free_at = spend(service, &[(limit, key)]).await?;
    let until = u128::try_from(free_at - service.clock().now().timestamp_micros()).unwrap_or_default();
    let each = (limit.per.as_micros() / u128::from(limit.burst.max(1))).max(1);
    let taken = u32::try_from(until.div_ceil(each)).unwrap_or(u32::MAX);
    Ok(Left {
        burst: limit.burst,
        remaining: limit.burst.saturating_sub(taken),
        reset: u32::try_from(until.div_ceil(1_000_000)).unwrap_or(u32::MAX),
    })
}

/// Gives when the whole burst of the first limit is free again, in microseconds since 1970.
async fn spend(service: &Service, limits: &[(Limit, &str)]) -> Result<i64> {
    // Keys are hashed: they hold what a person typed, of any length.
    let keys: Vec<_> = limits
        .iter()
        .map(|(limit, key)| format!("limit:{}:{}", limit.name, secret::digest(key)))
        .collect();
    let mut arguments = vec![service.clock().now().timestamp_micros().to_string()];
    for (limit, _) in limits {
        arguments.extend([limit.burst.max(1).to_string(), limit.per.as_micros().to_string()]);
    }
    let (wait, free_at): (i64, i64) = service.redis().script(SCRIPT, &keys, arguments).await?;
    if wait == 0 {
        return Ok(free_at);
    }
    let names: Vec<_> = limits.iter().map(|(limit, _)| limit.name).collect();
    tracing::warn!(limits = ?names, "a limit was reached");
    let seconds = u32::try_from(wait).unwrap_or(u32::MAX).div_ceil(1000);
    Err(AppError::TooManyRequests { retry_after: seconds }.into())
}

/// The client address as limits count it: an IPv6 subscriber owns a whole /64 (RFC 6177).
#[must_use]
pub fn client(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
