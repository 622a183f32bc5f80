package org.tonle.lake;

/**
 * The copies on this machine of files of a bucket, since the start.
 *
 * @param hits files that were read and here
 * @param misses files that were read and had to be fetched
 * @param fetchedBytes of those
 * @param bytes that all copies take now
 * @param limitBytes that they may take, besides what is being read
 */
public record CacheCounts(long hits, long misses, long fetchedBytes, long bytes, long limitBytes) {}
