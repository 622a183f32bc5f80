package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CoderResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.tika.detect.CompositeDetector;
import org.apache.tika.detect.CompositeEncodingDetector;
import org.apache.tika.detect.Detector;
import org.apache.tika.detect.EncodingDetector;
import org.apache.tika.detect.microsoft.POIFSContainerDetector;
import org.apache.tika.detect.zip.DefaultZipContainerDetector;
import org.apache.tika.exception.EncryptedDocumentException;
import org.apache.tika.exception.WriteLimitReachedException;
import org.apache.tika.extractor.EmbeddedDocumentExtractor;
import org.apache.tika.io.TikaInputStream;
import org.apache.tika.metadata.HttpHeaders;
import org.apache.tika.metadata.Metadata;
import org.apache.tika.metadata.TikaCoreProperties;
import org.apache.tika.mime.MimeTypes;
import org.apache.tika.parser.AutoDetectParser;
import org.apache.tika.parser.ParseContext;
import org.apache.tika.parser.Parser;
import org.apache.tika.parser.epub.EpubParser;
import org.apache.tika.parser.html.HtmlEncodingDetector;
import org.apache.tika.parser.html.JSoupParser;
import org.apache.tika.parser.image.ImageParser;
import org.apache.tika.parser.image.JpegParser;
import org.apache.tika.parser.image.TiffParser;
import org.apache.tika.parser.image.WebPParser;
import org.apache.tika.parser.mail.RFC822Parser;
import org.apache.tika.parser.microsoft.OfficeParser;
import org.apache.tika.parser.microsoft.ooxml.OOXMLParser;
import org.apache.tika.parser.microsoft.rtf.RTFParser;
import org.apache.tika.parser.odf.OpenDocumentParser;
import org.apache.tika.parser.pdf.PDFParser;
import org.apache.tika.parser.pdf.PDFParserConfig;
import org.apache.tika.parser.txt.Icu4jEncodingDetector;
import org.apache.tika.parser.txt.TXTParser;
import org.apache.tika.parser.xml.DcXMLParser;
import org.apache.tika.sax.BodyContentHandler;
import org.apache.tika.sax.WriteOutContentHandler;
import org.jspecify.annotations.Nullable;
import org.xml.sax.ContentHandler;

/**
 * Says by Apache Tika what a file is and holds. What others put inside of it (attachments, the
 * files of an archive) is named and not gone into. Documents are hostile: it runs in a process of
 * its own.
 */
final class TikaReader {
    /** How much of a text is looked at to see how it is encoded. */
    private static final int PROBE = 64 << 10;

    private final MimeTypes types = MimeTypes.getDefaultMimeTypes();
    private final Detector detector =
            new CompositeDetector(
                    types.getMediaTypeRegistry(),
                    List.of(
                            new POIFSContainerDetector(),
                            new DefaultZipContainerDetector(),
                            types));
    private final AutoDetectParser parser;

    TikaReader() {
        EncodingDetector encodings =
                new CompositeEncodingDetector(
                        List.of(
                                new HtmlEncodingDetector(),
                                TikaReader::utf8,
                                new Icu4jEncodingDetector()));
        PDFParserConfig pdf = new PDFParserConfig();
        pdf.setOcrStrategy(PDFParserConfig.OCR_STRATEGY.NO_OCR);
        PDFParser pdfs = new PDFParser();
        pdfs.setPDFParserConfig(pdf);
        parser =
                new AutoDetectParser(
                        detector,
                        pdfs,
                        new OOXMLParser(),
                        new OfficeParser(),
                        new OpenDocumentParser(),
                        new EpubParser(),
                        new RTFParser(),
                        new RFC822Parser(),
                        new JSoupParser(encodings),
                        new DcXMLParser(),
                        new TXTParser(encodings),
                        new JpegParser(),
                        new ImageParser(),
                        new TiffParser(),
                        new WebPParser());
    }

    /** What is UTF-8 is hardly ever anything else; null if it isn't. */
    private static @Nullable Charset utf8(InputStream in, Metadata metadata) throws IOException {
        in.mark(PROBE);
        byte[] first = in.readNBytes(PROBE);
        in.reset();
        CoderResult result =
                UTF_8.newDecoder()
                        .decode(ByteBuffer.wrap(first), CharBuffer.allocate(PROBE), false);
        return result.isError() ? null : UTF_8;
    }

    /** By its first bytes and its name alone. */
    String firstType(Path file, String name) {
        return type(types, file, name);
    }

    private static String type(Detector detector, Path file, String name) {
        Metadata metadata = named(name);
        try (TikaInputStream in = TikaInputStream.get(file, metadata)) {
            return detector.detect(in, metadata).toString();
        } catch (Exception | StackOverflowError | LinkageError e) {
            // it is told when it is read
            return Document.UNKNOWN;
        }
    }

    private static Metadata named(String name) {
        Metadata metadata = new Metadata();
        metadata.set(TikaCoreProperties.RESOURCE_NAME_KEY, name);
        return metadata;
    }

    /** All that it says; whatever is wrong with it is told, not thrown. */
    Document read(Path file, String name) {
        String mediaType = type(detector, file, name);
        if (mediaType.equals("application/zip")) {
            return archive(file, mediaType);
        }
        Metadata metadata = named(name);
        WriteOutContentHandler text = new WriteOutContentHandler(DocumentFrames.LONGEST_TEXT);
        ContentHandler body = new BodyContentHandler(text);
        List<String> inside = new ArrayList<>();
        Optional<String> error = Optional.empty();
        boolean truncated = false;
        try (TikaInputStream in = TikaInputStream.get(file, metadata)) {
            if (in.getLength() > 0) {
                parser.parse(in, body, metadata, context(inside));
            }
        } catch (Exception | StackOverflowError | LinkageError e) {
            truncated = WriteLimitReachedException.isWriteLimitReached(e);
            error = truncated ? Optional.empty() : Optional.of(why(e));
        }
        return new Document(
                mediaType,
                values(metadata, inside),
                error.isPresent() ? Optional.empty() : shown(text.toString()),
                truncated,
                error);
    }

    private ParseContext context(List<String> inside) {
        ParseContext context = new ParseContext();
        // the parts of a mail are read by what reads files
        context.set(Parser.class, parser);
        context.set(
                EmbeddedDocumentExtractor.class,
                new EmbeddedDocumentExtractor() {
                    @Override
                    public boolean shouldParseEmbedded(Metadata metadata) {
                        String name = metadata.get(TikaCoreProperties.RESOURCE_NAME_KEY);
                        if (name != null && inside.size() < DocumentFrames.MOST_VALUES) {
                            inside.add(name);
                        }
                        return false;
                    }

                    @Override
                    public void parseEmbedded(
                            InputStream in,
                            ContentHandler handler,
                            Metadata metadata,
                            boolean html) {
                        // only those that should be parsed
                    }
                });
        return context;
    }

    /** The names in an archive are its text. */
    private static Document archive(Path file, String mediaType) {
        StringBuilder names = new StringBuilder();
        boolean truncated = false;
        try (ZipFile zip = new ZipFile(file.toFile())) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements() && !truncated) {
                String name = entries.nextElement().getName();
                truncated = names.length() + name.length() >= DocumentFrames.LONGEST_TEXT;
                if (!truncated) {
                    names.append(name).append('\n');
                }
            }
            return new Document(
                    mediaType,
                    Map.of("entries", List.of(Integer.toString(zip.size()))),
                    shown(names.toString()),
                    truncated,
                    Optional.empty());
        } catch (IOException | RuntimeException e) {
            return Document.unread(mediaType, why(e));
        }
    }

    private static Map<String, List<String>> values(Metadata metadata, List<String> inside) {
        Map<String, List<String>> all = new TreeMap<>();
        int count = 0;
        for (String name : metadata.names()) {
            if (name.equals(TikaCoreProperties.RESOURCE_NAME_KEY)
                    || name.equals(HttpHeaders.CONTENT_TYPE)
                    || name.startsWith("X-TIKA")) {
                continue;
            }
            for (String value : metadata.getValues(name)) {
                if (count < DocumentFrames.MOST_VALUES / 2) {
                    count++;
                    all.computeIfAbsent(cut(name), key -> new ArrayList<>()).add(cut(value));
                }
            }
        }
        if (!inside.isEmpty()) {
            all.put(
                    "attachments",
                    inside.stream()
                            .limit(DocumentFrames.MOST_VALUES / 2)
                            .map(TikaReader::cut)
                            .toList());
        }
        return all;
    }

    private static String cut(String value) {
        return plain(
                value.length() <= DocumentFrames.LONGEST_VALUE
                        ? value
                        : value.substring(0, DocumentFrames.LONGEST_VALUE - 1) + "…");
    }

    private static Optional<String> shown(String text) {
        return Optional.of(plain(text).strip()).filter(shown -> !shown.isEmpty());
    }

    /** What JSON and databases take: no control characters but breaks and tabs. */
    private static String plain(String text) {
        return text.replaceAll("[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F]", " ");
    }

    private static String why(Throwable e) {
        if (e instanceof StackOverflowError) {
            return "it can't be read: it is nested too deeply";
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof EncryptedDocumentException) {
                return "it can't be read: it is encrypted";
            }
        }
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return cut(
                "it can't be read: "
                        + Objects.requireNonNullElse(root.getMessage(), root.toString()));
    }
}
