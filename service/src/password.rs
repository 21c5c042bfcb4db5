//! Hashing of passwords: argon2id, off the async threads, in a bounded amount of memory and time.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use rapport_domain::error::AppError;
use tokio::sync::Semaphore;

use crate::{Error, Result, secret};

/// Memory of one hash in KiB: 19 MiB. Source of all three: OWASP Password Storage Cheat Sheet, argon2id.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// Lanes.
pub const LANES: u32 = 1;
/// How many hash at the same time.
const AT_ONCE: usize = 2;
/// How many may wait behind them; a hash takes some 30 ms, so the last waits a quarter of a second.
const WAITING: usize = 16;
/// What a stored hash may ask for at most, so that a forged row cannot take the machine.
const MEMORY_KIB_MAX: u32 = 64 * 1024;

/// The hash of a password that nobody knows, with the same cost as a real one: it is tried for an unknown address.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$V2hvZXZlckFza3NJc05vdA$bm9ib2R5LWtub3dzLXRoaXMtcGFzc3dvcmQtYXRhbGw";

/// A password that nobody gets to know, for an account whose own is still to be chosen: 150 random bits.
#[must_use]
pub fn unguessable() -> String {
    secret::spoken_token()
}

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Hasher {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Memory that is not in use; kept, so that it is not fetched and returned for every sign-in.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            memory: Arc::default(),
        }
    }
}

impl Hasher {
    /// Hashes a password under a new salt, as a PHC string.
    ///
    /// # Errors
    /// [`AppError::TooManyRequests`] when too many are waiting.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move |memory| {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(defect)?;
            let salt = Salt::new(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>()).map_err(defect)?;
            let hash = compute(
                &params,
                Version::V0x13,
                &password,
                &salt,
                Params::DEFAULT_OUTPUT_LEN,
                memory,
            )?;
            let phc = PasswordHash {
                algorithm: ARGON2ID_IDENT,
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(defect)?,
                salt: Some(salt),
                hash: Some(hash),
            };
            Ok(phc.to_string())
        })
        .await
    }

    /// Whether the password is the one that was hashed. Without a hash, because nobody has the address, it takes the
    /// same time and says no.
    ///
    /// # Errors
    /// [`AppError::TooManyRequests`] when too many are waiting; and when the stored hash cannot be read.
    pub async fn verify(&self, password: String, phc: Option<String>) -> Result<bool> {
        self.in_turn(move |memory| {
            let right = check(&password, phc.as_deref().unwrap_or(NOBODYS), memory)?;
            Ok(right && phc.is_some())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(AppError::TooManyRequests { retry_after: 1 }.into());
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(defect)?;
        let pool = Arc::clone(&self.memory);
        // Place and turn go with the work, which goes on when the one who asked has left.
        let job = tokio::task::spawn_blocking(move || {
            let mut memory = pool
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()
                .unwrap_or_default();
            let result = work(&mut memory);
            pool.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            drop((turn, place));
            result
        });
        job.await.map_err(defect)?
    }
}

fn check(password: &str, phc: &str, memory: &mut Vec<Block>) -> Result<bool> {
    let phc = PasswordHash::new(phc).map_err(defect)?;
    let params = Params::try_from(&phc).map_err(defect)?;
    let version = phc
        .version
        .map_or(Ok(Version::V0x13), Version::try_from)
        .map_err(defect)?;
    let (Some(salt), Some(stored)) = (&phc.salt, &phc.hash) else {
        return Err(defect("no salt or no hash"));
    };
    if phc.algorithm != ARGON2ID_IDENT || params.m_cost() > MEMORY_KIB_MAX {
        return Err(defect("not an argon2id hash of ours"));
    }
    // Output's equality takes constant time.
    Ok(compute(&params, version, password, salt, stored.len(), memory)? == *stored)
}

fn compute(
    params: &Params,
    version: Version,
    password: &str,
    salt: &Salt,
    length: usize,
    memory: &mut Vec<Block>,
) -> Result<Output> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params.clone());
    let mut out = [0; Output::MAX_LENGTH];
    let out = out.get_mut(..length).ok_or_else(|| defect("too long a hash"))?;
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, out, &mut memory[..blocks])
        .map_err(defect)?;
    Output::new(out).map_err(defect)
}

/// None of these depends on what a person typed.
fn defect(cause: impl std::fmt::Display) -> Error {
    Error::Stored(format!("password hash: {cause}"))
}
