package org.tonle.registry;

import com.google.protobuf.AnyProto;
import com.google.protobuf.ApiProto;
import com.google.protobuf.DescriptorProtos;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.EmptyProto;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.SourceContextProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.TypeProto;
import com.google.protobuf.WrappersProto;
import com.squareup.wire.schema.Location;
import com.squareup.wire.schema.internal.parser.ProtoFileElement;
import com.squareup.wire.schema.internal.parser.ProtoParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tonle.registry.RegistryClient.Reference;
import org.tonle.registry.RegistryClient.Registered;

/**
 * Protobuf's schemas from their texts, with what they import: other ones of the registry, and those
 * that everybody has. An import that is nowhere to be found counts as empty, since it may have
 * nothing but options; a type that it lacks then makes the schema unusable.
 */
final class ProtoFiles {
    /** Of braces and brackets: nobody nests so deep, and a parser goes down with each. */
    private static final int DEEPEST = 100;

    private static final Map<String, FileDescriptor> EVERYBODYS =
            Stream.of(
                            AnyProto.getDescriptor(),
                            ApiProto.getDescriptor(),
                            DescriptorProtos.getDescriptor(),
                            DurationProto.getDescriptor(),
                            EmptyProto.getDescriptor(),
                            FieldMaskProto.getDescriptor(),
                            SourceContextProto.getDescriptor(),
                            StructProto.getDescriptor(),
                            TimestampProto.getDescriptor(),
                            TypeProto.getDescriptor(),
                            WrappersProto.getDescriptor())
                    .collect(Collectors.toMap(FileDescriptor::getName, Function.identity()));

    /** What Confluent's tools import without registering it. */
    private static final Map<String, String> CONFLUENTS =
            Map.of(
                    "confluent/type/decimal.proto",
                    """
                    syntax = "proto3";
                    package confluent.type;
                    message Decimal {
                      bytes value = 1;
                      uint32 precision = 2;
                      int32 scale = 3;
                    }
                    """);

    private final Map<String, String> texts = new HashMap<>(CONFLUENTS);
    private final Map<String, FileDescriptor> made = new HashMap<>(EVERYBODYS);

    private ProtoFiles() {}

    /**
     * A schema as it can be read with.
     *
     * @param all what it refers to, and what that refers to
     * @throws IOException if it is none, and why
     */
    static FileDescriptor of(Registered schema, Map<Reference, Registered> all) throws IOException {
        ProtoFiles files = new ProtoFiles();
        all.forEach((reference, found) -> files.texts.put(reference.name(), found.text()));
        return files.file("the schema", schema.text(), 0);
    }

    private FileDescriptor file(String name, String text, int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new IOException("its imports go in a circle");
        }
        ProtoFileElement parsed = parse(name, text);
        List<FileDescriptor> imports = new ArrayList<>();
        for (String wanted : ProtoFile.imports(parsed)) {
            imports.add(imported(wanted, depth + 1));
        }
        try {
            return FileDescriptor.buildFrom(
                    ProtoFile.of(name, parsed), imports.toArray(FileDescriptor[]::new));
        } catch (DescriptorValidationException e) {
            throw new IOException("it is no schema of Protobuf: " + e.getMessage(), e);
        }
    }

    private FileDescriptor imported(String name, int depth) throws IOException {
        FileDescriptor found = made.get(name);
        if (found == null) {
            String text = texts.get(name);
            found = text == null ? empty(name) : file(name, text, depth);
            made.put(name, found);
        }
        return found;
    }

    private static FileDescriptor empty(String name) throws IOException {
        try {
            return FileDescriptor.buildFrom(
                    FileDescriptorProto.newBuilder().setName(name).build(), new FileDescriptor[0]);
        } catch (DescriptorValidationException e) {
            throw new IOException("it imports " + name + ", which is no name", e);
        }
    }

    private static ProtoFileElement parse(String name, String text) throws IOException {
        int depth = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '{' || c == '[' || c == '<') {
                depth++;
            } else if (c == '}' || c == ']' || c == '>') {
                depth--;
            }
            if (depth > DEEPEST) {
                throw new IOException("it is nested too deep");
            }
        }
        try {
            return ProtoParser.Companion.parse(Location.get(name), text);
        } catch (IllegalStateException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new IOException("it is no schema of Protobuf: " + e.getMessage(), e);
        }
    }
}
