package io.github.connectoid

import io.github.connectoid.ffi.Diagnosis as FfiDiagnosis

/** What the doctor found. */
public data class Diagnosis(
    /** The findings; none if all is well. */
    val findings: List<Finding>,
    /** What happened lately, oldest first, without secrets. */
    val trace: List<String>,
)

/** One finding of the doctor. */
public data class Finding(
    /** The peer or service that it is about. */
    val about: String,
    /** The kind of what is wrong, as in [ConnectoidException.kind]. */
    val kind: String,
    /** What is wrong and what to do, for people. */
    val message: String,
)

internal fun FfiDiagnosis.toPublic(): Diagnosis =
    Diagnosis(findings.map { Finding(it.about, it.kind.name.lowercase(), it.text) }, trace)
