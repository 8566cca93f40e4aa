//! What the fields of a frame mean.

/// What a field of a frame means. Of fields that are single, the last one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Id,
    Kind,
    Category,
    Action,
    Description,
    Outcome,
    Success,
    Error,
    ErrorCode,
    Severity,
    Component,
    StackTrace,
    Service,
    Flag,
    Tags,
    ParentId,
    OperationId,
    RequestId,
    TraceId,
    SpanId,
    ActorKind,
    ActorId,
    ActorName,
    ActorEmail,
    ActorRole,
    TenantId,
    SessionId,
    ResourceType,
    ResourceId,
    ResourceName,
    Method,
    Path,
    Route,
    Query,
    /// There was more of the query than was kept.
    QueryCut,
    HttpVersion,
    Host,
    Status,
    TtfbUs,
    DurationUs,
    RequestBytes,
    ResponseBytes,
    RequestHeaders,
    ResponseHeaders,
    ResponseTrailers,
    RequestBody,
    ResponseBody,
    /// There was more of the request body than was kept.
    RequestBodyCut,
    /// There was more of the response body than was kept.
    ResponseBodyCut,
    /// Up to how many bytes the request body is to be decoded.
    RequestDecode,
    /// Up to how many bytes the response body is to be decoded.
    ResponseDecode,
    Level,
    Peer,
    /// A line of the header that tells the client's address, the last line
    /// first: where not all header lines were kept.
    Forwarded,
    Detail,
    Change,
    /// The bits of a floating-point number.
    SampleWeight,
    RequestDigest,
    ResponseDigest,
    Note,
    /// The frame is no event but a provisional record of one that is to come: see [`Stage`].
    Stage,
}

/// What a provisional record of an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// All that is known so far; the event will follow.
    Begun = b'b',
    /// The event will not follow.
    Dismissed = b'd',
}

impl Stage {
    /// What a record says that was made of a provisional record, since no other came.
    pub(crate) const NOTE: &str = "unfinished";
}

impl Tag {
    const LAST: Self = Self::Stage;

    /// All tags in the order of their numbers.
    pub(super) const ALL: [Self; Self::LAST as usize + 1] = [
        Self::Id,
        Self::Kind,
        Self::Category,
        Self::Action,
        Self::Description,
        Self::Outcome,
        Self::Success,
        Self::Error,
        Self::ErrorCode,
        Self::Severity,
        Self::Component,
        Self::StackTrace,
        Self::Service,
        Self::Flag,
        Self::Tags,
        Self::ParentId,
        Self::OperationId,
        Self::RequestId,
        Self::TraceId,
        Self::SpanId,
        Self::ActorKind,
        Self::ActorId,
        Self::ActorName,
        Self::ActorEmail,
        Self::ActorRole,
        Self::TenantId,
        Self::SessionId,
        Self::ResourceType,
        Self::ResourceId,
        Self::ResourceName,
        Self::Method,
        Self::Path,
        Self::Route,
        Self::Query,
        Self::QueryCut,
        Self::HttpVersion,
        Self::Host,
        Self::Status,
        Self::TtfbUs,
        Self::DurationUs,
        Self::RequestBytes,
        Self::ResponseBytes,
        Self::RequestHeaders,
        Self::ResponseHeaders,
        Self::ResponseTrailers,
        Self::RequestBody,
        Self::ResponseBody,
        Self::RequestBodyCut,
        Self::ResponseBodyCut,
        Self::RequestDecode,
        Self::ResponseDecode,
        Self::Level,
        Self::Peer,
        Self::Forwarded,
        Self::Detail,
        Self::Change,
        Self::SampleWeight,
        Self::RequestDigest,
        Self::ResponseDigest,
        Self::Note,
        Self::Stage,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_stands_at_its_own_number() {
        for (number, tag) in Tag::ALL.iter().enumerate() {
            assert_eq!(*tag as usize, number);
        }
    }
}
