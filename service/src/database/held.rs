//! A connection that one request holds for all it asks.
//!
//! Whenever a connection comes back, the pool asks it whether it is well, which costs as much as a small question. A
//! request that reads therefore holds one until its answer is ready, and asks one question after another: if it waited
//! for further connections while it holds one, requests could wait for each other. One that writes, or asks several large
//! questions at once, lets go before and holds none from then on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqlxError, Statement, TransactionTrait,
    sea_query::Values,
    sqlx::{self, AssertSqlSafe, Executor as _, PgConnection, Postgres, pool::PoolConnection, query::Query},
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

/// The pool, and what a request holds of it.
#[derive(Clone)]
pub(crate) struct Db {
    pool: DatabaseConnection,
    held: Option<Arc<Held>>,
}

/// Ends the holding when it is dropped; from then on everything is asked of the pool.
#[must_use = "nothing is held any more once it is dropped"]
pub struct Hold(Arc<Held>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[derive(Default)]
struct Held {
    over: AtomicBool,
    /// The connection between two questions; locked while one is asked.
    resting: Mutex<Option<PoolConnection<Postgres>>>,
}

impl Held {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.let_go();
    }

    /// Gives back the connection that rests. One that is asked something is given back by whoever asks, once all is over.
    fn let_go(&self) {
        if let Ok(mut resting) = self.resting.try_lock() {
            drop(resting.take());
        }
    }
}

impl Db {
    /// Asks the pool everything.
    pub(crate) fn new(pool: DatabaseConnection) -> Self {
        Self { pool, held: None }
    }

    /// One that holds a connection, until the second part is dropped.
    pub(crate) fn hold(&self) -> (Self, Hold) {
        let held = Arc::new(Held::default());
        let db = Self {
            pool: self.pool.clone(),
            held: Some(Arc::clone(&held)),
        };
        (db, Hold(held))
    }

    /// The pool itself, for what is no request's.
    pub(crate) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Lets go of what is held for now: before something that takes long.
    pub(crate) fn let_go(&self) {
        if let Some(held) = &self.held {
            held.let_go();
        }
    }

    /// From here on each question goes to a connection of its own: for several large ones at once.
    pub(crate) fn ask_apart(&self) {
        if let Some(held) = &self.held {
            held.end();
        }
    }

    /// Begins a transaction, on a connection of its own.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.ask_apart();
        self.pool.begin().await
    }

    fn holding(&self) -> Option<&Held> {
        self.held.as_deref().filter(|held| !held.is_over())
    }

    /// Asks on the connection that is held. After an error, or when nobody waits for the answer any more, the connection
    /// goes back to the pool, which looks whether it is well.
    async fn ask<T>(
        &self,
        held: &Held,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, DbErr>,
    ) -> Result<T, DbErr> {
        let mut resting = held.resting.lock().await;
        let mut connection = match resting.take() {
            Some(connection) => connection,
            None => {
                let pool = self.pool.get_postgres_connection_pool();
                pool.acquire().await.map_err(|error| DbErr::Conn(told(error)))?
            }
        };
        let answer = ask(&mut connection).await?;
        *resting = Some(connection);
        drop(resting);
        if held.is_over() {
            held.let_go();
        }
        Ok(answer)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let Some(held) = self.holding() else {
            return self.pool.execute_raw(statement).await;
        };
        let done = self.ask(held, async |connection| {
            let done = query(&statement).execute(connection).await;
            done.map_err(|error| DbErr::Exec(told(error)))
        });
        done.await.map(ExecResult::from)
    }

    async fn execute_unprepared(&self, text: &str) -> Result<ExecResult, DbErr> {
        let Some(held) = self.holding() else {
            return self.pool.execute_unprepared(text).await;
        };
        let done = self.ask(held, async |connection| {
            let done = connection.execute(AssertSqlSafe(text.to_owned())).await;
            done.map_err(|error| DbErr::Exec(told(error)))
        });
        done.await.map(ExecResult::from)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let Some(held) = self.holding() else {
            return self.pool.query_one_raw(statement).await;
        };
        let row = self.ask(held, async |connection| {
            let row = query(&statement).fetch_optional(connection).await;
            row.map_err(|error| DbErr::Query(told(error)))
        });
        row.await.map(|row| row.map(QueryResult::from))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(held) = self.holding() else {
            return self.pool.query_all_raw(statement).await;
        };
        let rows = self.ask(held, async |connection| {
            let rows = query(&statement).fetch_all(connection).await;
            rows.map_err(|error| DbErr::Query(told(error)))
        });
        let rows = rows.await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }
}

/// The statement as sqlx takes it.
fn query(statement: &Statement) -> Query<'_, Postgres, SqlxValues> {
    let values = statement.values.clone();
    let values = SqlxValues(values.unwrap_or_else(|| Values(Vec::new())));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values)
}

fn told(error: SqlxError) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}
