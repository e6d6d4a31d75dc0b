//! Values, each a hash, and the sorted set that lists them.

use redis::Value as Reply;

use super::RedisStore;
use super::convert::{point, time, value};
use crate::store::{Expected, PutValue, Result, Timed, Value, ValueWritten};

impl RedisStore {
    /// The values of these keys, each in its place.
    pub(super) async fn find_values(&self, keys: &[String]) -> Result<Timed<Vec<Option<Value>>>> {
        let mut call = self.scripts.values.prepare_invoke();
        for key in keys {
            call.key(self.keys.value(key)).arg(key);
        }
        let (now, found): (u64, Vec<Option<Vec<String>>>) =
            self.server.call("find values", &call).await?;
        let values = found.into_iter();
        let values = values.map(|found| found.map(|found| value(&self.server, found)).transpose());
        Ok(Timed { now: time(now), value: values.collect::<Result<_>>()? })
    }

    /// The values whose keys begin with `prefix`, in the order of their keys.
    pub(super) async fn values_by_prefix(
        &self,
        prefix: &str,
        count_max: usize,
    ) -> Result<Timed<Vec<Value>>> {
        let mut call = self.scripts.list_values.prepare_invoke();
        call.key(self.keys.of("values")).arg(self.keys.of("value:")).arg(prefix).arg(count_max);
        let (now, found): (u64, Vec<Vec<String>>) = self.server.call("list values", &call).await?;
        let values = found.into_iter().map(|found| value(&self.server, found));
        Ok(Timed { now: time(now), value: values.collect::<Result<_>>()? })
    }

    /// Puts a value if what it expects is there.
    pub(super) async fn put_one(&self, put: &PutValue) -> Result<Timed<ValueWritten>> {
        let mut call = self.scripts.put_value.prepare_invoke();
        call.key(self.keys.value(&put.key)).key(self.keys.of("values")).key(self.keys.of("keep"));
        let expected = match put.expected {
            Expected::Anything => "any".to_owned(),
            Expected::Nothing => "none".to_owned(),
            Expected::Version(version) => version.to_string(),
        };
        call.arg(&put.key).arg(expected).arg(put.mark.to_string());
        call.arg(&put.text).arg(point(Some(put.keep)));
        let (now, answer): (u64, Reply) = self.server.call("put a value", &call).await?;
        Ok(Timed { now: time(now), value: self.value_written(answer)? })
    }

    fn value_written(&self, answer: Reply) -> Result<ValueWritten> {
        let fail = |source| self.server.unavailable("put a value", source);
        if matches!(answer, Reply::BulkString(_)) {
            return Ok(ValueWritten::Done(redis::from_redis_value(answer).map_err(fail)?));
        }
        let there: Option<Vec<String>> = redis::from_redis_value(answer).map_err(fail)?;
        let there = there.map(|there| value(&self.server, there)).transpose()?;
        Ok(ValueWritten::Conflict(there))
    }
}
