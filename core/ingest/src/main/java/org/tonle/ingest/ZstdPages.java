package org.tonle.ingest;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * Parquet pages in Zstandard, with one context kept for all pages of a file: Hadoop's codec makes
 * and frees one for every page. Used by one thread.
 */
final class ZstdPages implements CompressionCodecFactory {
    /** Higher levels cost more and made the files of events larger. */
    private static final int LEVEL = 1;

    private final Compressor compressor = new Compressor();
    private final Decompressor decompressor = new Decompressor();

    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
        return compressor;
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
        if (codec != CompressionCodecName.ZSTD) {
            throw new IllegalArgumentException("bronze is written in zstd, this file in " + codec);
        }
        return decompressor;
    }

    @Override
    public void release() {
        compressor.context.close();
        decompressor.context.close();
    }

    private static final class Compressor implements BytesInputCompressor {
        private final ZstdCompressCtx context = new ZstdCompressCtx().setLevel(LEVEL);
        private byte[] source = new byte[0];
        private byte[] target = new byte[0];

        @Override
        public BytesInput compress(BytesInput page) throws IOException {
            int length = Math.toIntExact(page.size());
            if (source.length < length) {
                source = new byte[length];
            }
            page.toInputStream().readNBytes(source, 0, length);
            int bound = Math.toIntExact(Zstd.compressBound(length));
            if (target.length < bound) {
                target = new byte[bound];
            }
            int size = context.compressByteArray(target, 0, target.length, source, 0, length);
            // the caller copies it before it compresses the next page
            return BytesInput.from(target, 0, size);
        }

        @Override
        public CompressionCodecName getCodecName() {
            return CompressionCodecName.ZSTD;
        }

        @Override
        public void release() {
            // the context is the factory's
        }
    }

    private static final class Decompressor implements BytesInputDecompressor {
        private final ZstdDecompressCtx context = new ZstdDecompressCtx();

        @Override
        public BytesInput decompress(BytesInput page, int size) throws IOException {
            byte[] source = page.toInputStream().readAllBytes();
            return BytesInput.from(context.decompress(source, size));
        }

        @Override
        public void decompress(ByteBuffer from, int fromSize, ByteBuffer to, int size) {
            byte[] source = new byte[fromSize];
            from.get(source);
            to.put(context.decompress(source, size));
        }

        @Override
        public void release() {
            // the context is the factory's
        }
    }
}
