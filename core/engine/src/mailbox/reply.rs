//! What a reply over HTTP says.

use connectoid_protocol::mailbox::{Done, Refusal, Reply, ReplyError, ServiceInfo, parse_reply};

use super::HttpReply;
use crate::engine::{ServiceFailure, Unreached};

/// The last year that a date has: whatever a service says, dates stay numbers with which can be reckoned.
const LAST_YEAR: u64 = 9999;

/// The status of a reply that is a description.
const OK: u16 = 200;

/// What came back, and the service's clock, in s since the epoch, if it told.
pub(super) struct Answer<T> {
    pub(super) reply: T,
    pub(super) date: Option<u64>,
}

/// Reads the reply to an operation.
pub(super) fn answer<T: Reply>(raw: &HttpReply) -> Result<Answer<T>, ServiceFailure> {
    match parse_reply(&raw.body) {
        Ok(reply) => Ok(Answer { reply, date: date(raw) }),
        Err(error) => Err(failure(raw.status, &error, retry_after(raw))),
    }
}

/// Reads what a service says of itself.
pub(super) fn description(raw: &HttpReply) -> Result<Answer<ServiceInfo>, ServiceFailure> {
    if raw.status == OK {
        let info = ServiceInfo::parse(&raw.body).ok_or(ServiceFailure::Malformed)?;
        return Ok(Answer { reply: info, date: date(raw) });
    }
    let error = parse_reply::<Done>(&raw.body).err().unwrap_or(ReplyError::Malformed);
    Err(failure(raw.status, &error, retry_after(raw)))
}

fn date(raw: &HttpReply) -> Option<u64> {
    raw.date.as_deref().and_then(parse_date)
}

fn retry_after(raw: &HttpReply) -> u64 {
    raw.retry_after.as_deref().map_or(0, parse_seconds)
}

fn failure(status: u16, error: &ReplyError, retry_after: u64) -> ServiceFailure {
    let retry_after = retry_after.saturating_mul(1_000_000);
    if (300..400).contains(&status) {
        return ServiceFailure::Unreachable(Unreached::Redirected);
    }
    match error {
        ReplyError::Refused(refusal) => ServiceFailure::Refused(*refusal, retry_after),
        _ => Refusal::from_status(status)
            .map_or(ServiceFailure::Malformed, |refusal| ServiceFailure::Refused(refusal, retry_after)),
    }
}

/// Reads a number of seconds. One that is too long for a number is a long time; a date, which HTTP allows as well, is not
/// what a service says. How much of it is heeded decides the poller.
fn parse_seconds(text: &str) -> u64 {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().unwrap_or(u64::MAX) } else { 0 }
}

/// Reads an HTTP date (RFC 9110 §5.6.7, the preferred form) as seconds since the epoch.
fn parse_date(text: &str) -> Option<u64> {
    let mut parts = text.split([' ', ':']).skip(1);
    let number = |part: Option<&str>| part?.parse::<u64>().ok();
    let day = number(parts.next())?;
    let month = parts.next()?;
    let month = 1 + MONTHS.iter().position(|name| *name == month)? as u64;
    let (year, hour, minute, second) =
        (number(parts.next())?, number(parts.next())?, number(parts.next())?, number(parts.next())?);
    let is_date = (1..=31).contains(&day) && year <= LAST_YEAR && hour < 24 && minute < 60 && second <= 60;
    if !is_date {
        return None;
    }
    // Days from the civil calendar, with the year starting in March (Hinnant, chrono-compatible dates).
    let (year, shifted) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day;
    Some(days.checked_sub(719_469)? * 86_400 + hour * 3600 + minute * 60 + second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(parse_date("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
        for wrong in [
            "yesterday",
            "Thu, 01 Jan 18446744073709551615 00:00:00 GMT",
            "Thu, 18446744073709551615 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 5124095576030432:00:00 GMT",
            "Thu, 01 Jan 0000 00:00:00 GMT",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
        ] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn seconds_of_any_length_are_read() {
        for (text, seconds) in [
            ("5", 5),
            ("0", 0),
            ("99999999999999999999999", u64::MAX),
            ("", 0),
            ("+5", 0),
            ("-1", 0),
            ("1.5", 0),
        ] {
            assert_eq!(parse_seconds(text), seconds, "{text}");
        }
        let far = failure(503, &ReplyError::Malformed, u64::MAX);
        assert_eq!(far, ServiceFailure::Refused(Refusal::Unavailable, u64::MAX));
    }
}
