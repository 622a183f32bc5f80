/** Buckets of servers that speak S3's protocol: how they are reached, and tables in them. */
@NullMarked
package org.tonle.s3;

import org.jspecify.annotations.NullMarked;
