//! Logins: tokens and passwords. Passwords are hashed and verified only here.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::problem::{self, Problem};
use crate::engine::{Engine, Published, WriteError, is_hash};
use crate::json::{get_member, pointer, quote, unquote};
use crate::rules::{Auth, Guard};
use crate::schema::{Schema, Violation};
use crate::store::{Collection, Command, Record};

/// How many passwords are hashed at a time: each takes 19 MiB and a core.
const HASHED_AT_ONCE: usize = 2;
/// How many HTTP Basic logins are cached, so that not every request has to hash.
const MOST_REMEMBERED: usize = 1000;

/// The state of logins.
pub(super) struct Logins {
    keys: (EncodingKey, DecodingKey),
    /// The tokens that were logged out, by [`Claims::key`], and when they expire.
    revoked: Mutex<HashMap<(String, u64, String), u64>>,
    hashing: Arc<Semaphore>,
    /// The cache of HTTP Basic: digests of matching login, password and stored hash.
    remembered: Mutex<HashSet<[u8; 32]>>,
}

/// The claims of a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    // Tokens that other programs sign with the same secret may lack some.
    #[serde(default)]
    email: String,
    #[serde(default)]
    iat: u64,
    exp: u64,
    pub(super) sub: String,
    #[serde(default)]
    jti: String,
}

impl Claims {
    /// The identity of a token.
    fn key(&self) -> (String, u64, String) {
        (self.sub.clone(), self.iat, self.jti.clone())
    }
}

impl Logins {
    /// Tokens are signed with `secret`, or with a random one.
    pub(super) fn new(secret: Option<&str>) -> Logins {
        // An error means that it is already installed.
        let _ = HS256.install_default();
        let secret = secret.map_or_else(
            || random().into_bytes(),
            |secret| secret.as_bytes().to_vec(),
        );
        Logins {
            keys: (
                EncodingKey::from_secret(&secret),
                DecodingKey::from_secret(&secret),
            ),
            revoked: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            remembered: Mutex::default(),
        }
    }

    /// A token for the user `record`.
    pub(super) fn token(&self, auth: &Auth, record: &Record) -> Option<String> {
        let now = now();
        let claims = Claims {
            email: text_of(record.value(), &auth.login).unwrap_or_default(),
            iat: now,
            exp: now + auth.expires,
            sub: record.id()?.to_string(),
            jti: random(),
        };
        jsonwebtoken::encode(&Header::default(), &claims, &self.keys.0).ok()
    }

    /// The claims of `token`, if its signature is valid, it has not expired and was not logged out.
    pub(super) fn claims(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.keys.1, &validation).ok()?;
        let key = decoded.claims.key();
        let is_revoked = self.revoked.lock().contains_key(&key);
        (!is_revoked).then_some(decoded.claims)
    }

    /// Refuses the token with these claims from now on.
    pub(super) fn revoke(&self, claims: &Claims) {
        let now = now();
        let mut revoked = self.revoked.lock();
        revoked.retain(|_, expires| *expires > now);
        revoked.insert(claims.key(), claims.exp);
    }

    /// Runs `work`, which hashes, on a blocking thread.
    async fn hash_off_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let _permit = self.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()?
    }

    async fn hash(&self, password: String) -> Option<String> {
        let hash = move || {
            let hash: phc::PasswordHash =
                Argon2::default().hash_password(password.as_bytes()).ok()?;
            Some(hash.to_string())
        };
        self.hash_off_worker(hash).await
    }

    /// Whether `password` is the one that is stored as a hash, or as clear text.
    pub(super) async fn verify(&self, password: String, stored: String) -> bool {
        let verify = move || {
            let same = if stored.starts_with("$argon2") {
                let hash = phc::PasswordHash::new(&stored).ok()?;
                let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
                verified.is_ok()
            } else if is_hash(&stored) {
                bcrypt::verify(password, &stored).ok()?
            } else {
                password == stored
            };
            Some(same)
        };
        self.hash_off_worker(verify).await.unwrap_or(false)
    }

    /// The user with this login and password, for HTTP Basic.
    pub(super) async fn basic<'p>(
        &self,
        auth: &Auth,
        published: &'p Published,
        (login, password): (&str, &str),
    ) -> Option<&'p Arc<Record>> {
        let user = user_with(published, auth, login)?;
        let stored = text_of(user.value(), &auth.password)?;
        let mut digest = Sha256::new();
        for part in [login, password, &stored] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let digest: [u8; 32] = digest.finalize().into();
        if self.remembered.lock().contains(&digest) {
            return Some(user);
        }
        if !self.verify(password.to_string(), stored).await {
            return None;
        }
        let mut all = self.remembered.lock();
        if all.len() >= MOST_REMEMBERED {
            all.clear();
        }
        all.insert(digest);
        Some(user)
    }
}

/// `command` with the password in it hashed. All writes of requests pass through here, or through [`refuse_password`].
///
/// # Errors
/// The command cannot be carried out.
pub(super) async fn hashed(
    (engine, logins): (&Engine, &Logins),
    mut command: Command,
) -> Result<Command, WriteError> {
    let Some((auth, password)) = password(engine, &command) else {
        return Ok(command);
    };
    if !password.starts_with('"') {
        return Err(WriteError::Rules {
            resource: auth.users.clone(),
            violations: vec![Violation {
                pointer: pointer::join("", &auth.password),
                detail: "must be a string".into(),
            }],
        });
    }
    // The rules are for the clear text.
    let full = &engine.snapshot().full;
    engine.rulebook().plan(full, &command)?;
    let hash = logins.hash(unquote(&password).into_owned()).await;
    let hash = quote(&hash.ok_or(WriteError::Bug)?);
    command.body = command.body.with(&auth.password, &hash);
    Ok(command)
}

/// The password in `command`, as JSON, if it is about a user and has one.
fn password(engine: &Engine, command: &Command) -> Option<(Auth, String)> {
    let schema = engine.schema();
    let auth = schema
        .auth()
        .filter(|auth| auth.users == command.resource)?;
    let password = get_member(command.body.as_str(), &auth.password)?;
    let is_set = password != "null" && !command.deletes();
    is_set.then(|| (auth.clone(), password.to_string()))
}

/// Refuses a password in a write that would store it in clear text.
///
/// # Errors
/// The body has a password.
pub(super) fn refuse_password(engine: &Engine, command: &Command) -> Result<(), Problem> {
    match password(engine, command) {
        None => Ok(()),
        Some((auth, _)) => {
            let detail = format!("{} cannot be set this way", auth.password);
            Err(Problem::new(problem::RULES, detail)
                .error(pointer::join("", &auth.password), "cannot be set this way")
                .hint("POST /register adds a user; PUT or PATCH of one user sets a password"))
        }
    }
}

/// The collection of the users, with their passwords.
pub(super) fn users<'p>(published: &'p Published, auth: &Auth) -> Option<&'p Collection> {
    published.full.records(&auth.users)
}

/// The user with that login; e-mail addresses are compared without case.
pub(super) fn user_with<'p>(
    published: &'p Published,
    auth: &Auth,
    login: &str,
) -> Option<&'p Arc<Record>> {
    let lower = login.to_lowercase();
    users(published, auth)?.rows().find(|user| {
        let own = text_of(user.value(), &auth.login);
        own.is_some_and(|own| own == login || (own.contains('@') && own.to_lowercase() == lower))
    })
}

/// A property of `record`, the text of an object, if it is a string.
pub(super) fn text_of(record: &str, property: &str) -> Option<String> {
    let value = get_member(record, property)?;
    value.starts_with('"').then(|| unquote(value).into_owned())
}

/// Whether a path names a guarded resource or a login: the request log then omits the body.
pub(super) fn is_private(schema: &Schema, path: &str) -> bool {
    let hides = |name: &str| {
        let access = schema.access(name);
        access.is_some_and(|access| access.read != Guard::Anyone)
            || (schema.auth().is_some() && Auth::PATHS.contains(&name))
    };
    let has_private = schema.auth().is_some() || !schema.guards.is_empty();
    has_private && path.split('/').any(hides)
}

fn now() -> u64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

/// 256 random bits as text. The keys of each `RandomState` come from the operating system.
fn random() -> String {
    let word = |_| format!("{:016x}", RandomState::new().build_hasher().finish());
    (0..4).map(word).collect()
}

/// HMAC with SHA-256, the only signature that is created or accepted. The crate's own providers pull in RSA and
/// elliptic curves.
static HS256: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.as_bytes())?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Result<Hs256, Error> {
        let mac = Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Hs256(mac))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mac = self.0.clone().chain_update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let mac = self.0.clone().chain_update(message);
        mac.verify_slice(signature)
            .map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
