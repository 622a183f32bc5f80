package org.tonle.registry;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MessageOptions;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import com.squareup.wire.schema.Field;
import com.squareup.wire.schema.internal.parser.EnumElement;
import com.squareup.wire.schema.internal.parser.FieldElement;
import com.squareup.wire.schema.internal.parser.GroupElement;
import com.squareup.wire.schema.internal.parser.MessageElement;
import com.squareup.wire.schema.internal.parser.OneOfElement;
import com.squareup.wire.schema.internal.parser.ProtoFileElement;
import com.squareup.wire.schema.internal.parser.TypeElement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a .proto file says, as far as it is needed to read values: messages in the order in which
 * they stand, with what is made up for maps and groups behind them, their fields by their numbers,
 * and enums. Names are left as they are written; Protobuf's own library finds what they mean.
 */
final class ProtoFile {
    private static final Pattern MAP =
            Pattern.compile("map\\s*<\\s*([\\w.]+)\\s*,\\s*([\\w.]+)\\s*>");

    private static final Map<String, FieldDescriptorProto.Type> SCALARS =
            Map.ofEntries(
                    Map.entry("double", FieldDescriptorProto.Type.TYPE_DOUBLE),
                    Map.entry("float", FieldDescriptorProto.Type.TYPE_FLOAT),
                    Map.entry("int64", FieldDescriptorProto.Type.TYPE_INT64),
                    Map.entry("uint64", FieldDescriptorProto.Type.TYPE_UINT64),
                    Map.entry("int32", FieldDescriptorProto.Type.TYPE_INT32),
                    Map.entry("fixed64", FieldDescriptorProto.Type.TYPE_FIXED64),
                    Map.entry("fixed32", FieldDescriptorProto.Type.TYPE_FIXED32),
                    Map.entry("bool", FieldDescriptorProto.Type.TYPE_BOOL),
                    Map.entry("string", FieldDescriptorProto.Type.TYPE_STRING),
                    Map.entry("bytes", FieldDescriptorProto.Type.TYPE_BYTES),
                    Map.entry("uint32", FieldDescriptorProto.Type.TYPE_UINT32),
                    Map.entry("sfixed32", FieldDescriptorProto.Type.TYPE_SFIXED32),
                    Map.entry("sfixed64", FieldDescriptorProto.Type.TYPE_SFIXED64),
                    Map.entry("sint32", FieldDescriptorProto.Type.TYPE_SINT32),
                    Map.entry("sint64", FieldDescriptorProto.Type.TYPE_SINT64));

    private final boolean third;

    private ProtoFile(boolean third) {
        this.third = third;
    }

    /** The names of what a file imports, the public ones last. */
    static List<String> imports(ProtoFileElement file) {
        List<String> all = new ArrayList<>(file.getImports());
        all.addAll(file.getWeakImports());
        all.addAll(file.getPublicImports());
        return all;
    }

    /** A file of that name. */
    static FileDescriptorProto of(String name, ProtoFileElement file) {
        // the parser refuses what is written in an edition
        String syntax = file.getSyntax() == null ? "proto2" : file.getSyntax().toString();
        FileDescriptorProto.Builder to =
                FileDescriptorProto.newBuilder().setName(name).setSyntax(syntax);
        if (file.getPackageName() != null) {
            to.setPackage(file.getPackageName());
        }
        List<String> imports = imports(file);
        to.addAllDependency(imports);
        for (int i = imports.size() - file.getPublicImports().size(); i < imports.size(); i++) {
            to.addPublicDependency(i);
        }
        ProtoFile reader = new ProtoFile(syntax.equals("proto3"));
        for (TypeElement type : file.getTypes()) {
            if (type instanceof MessageElement message) {
                to.addMessageType(reader.message(message));
            } else if (type instanceof EnumElement values) {
                to.addEnumType(enumeration(values));
            }
        }
        return to.build();
    }

    private DescriptorProto message(MessageElement message) {
        DescriptorProto.Builder to = DescriptorProto.newBuilder().setName(message.getName());
        for (TypeElement type : message.getNestedTypes()) {
            if (type instanceof MessageElement nested) {
                to.addNestedType(message(nested));
            } else if (type instanceof EnumElement values) {
                to.addEnumType(enumeration(values));
            }
        }
        for (OneOfElement choice : message.getOneOfs()) {
            to.addOneofDecl(OneofDescriptorProto.newBuilder().setName(choice.getName()));
        }
        List<FieldDescriptorProto.Builder> optional = new ArrayList<>();
        for (FieldElement field : message.getFields()) {
            FieldDescriptorProto.Builder made = field(field, to);
            if (third && field.getLabel() == Field.Label.OPTIONAL) {
                optional.add(made.setProto3Optional(true));
            } else {
                to.addField(made);
            }
        }
        for (GroupElement group : message.getGroups()) {
            to.addField(group(group, to));
        }
        for (int i = 0; i < message.getOneOfs().size(); i++) {
            OneOfElement choice = message.getOneOfs().get(i);
            for (FieldElement field : choice.getFields()) {
                to.addField(field(field, to).setOneofIndex(i));
            }
            for (GroupElement group : choice.getGroups()) {
                to.addField(group(group, to).setOneofIndex(i));
            }
        }
        // each one is a choice of its own, made up, behind those that were written
        for (FieldDescriptorProto.Builder field : optional) {
            to.addField(field.setOneofIndex(to.getOneofDeclCount()));
            to.addOneofDecl(OneofDescriptorProto.newBuilder().setName("_" + field.getName()));
        }
        List<FieldDescriptorProto> fields = new ArrayList<>(to.getFieldList());
        fields.sort(Comparator.comparingInt(FieldDescriptorProto::getNumber));
        return to.clearField().addAllField(fields).build();
    }

    private static FieldDescriptorProto.Builder field(
            FieldElement field, DescriptorProto.Builder in) {
        FieldDescriptorProto.Builder to =
                FieldDescriptorProto.newBuilder()
                        .setName(field.getName())
                        .setNumber(field.getTag())
                        .setLabel(label(field.getLabel()));
        if (field.getJsonName() != null) {
            to.setJsonName(field.getJsonName());
        }
        Matcher map = MAP.matcher(field.getType());
        if (!map.matches()) {
            return typed(to, field.getType());
        }
        String entry = entryName(field.getName());
        in.addNestedType(
                DescriptorProto.newBuilder()
                        .setName(entry)
                        .setOptions(MessageOptions.newBuilder().setMapEntry(true))
                        .addField(part("key", 1, map.group(1)))
                        .addField(part("value", 2, map.group(2))));
        return to.setLabel(Label.LABEL_REPEATED)
                .setTypeName(entry)
                .setType(FieldDescriptorProto.Type.TYPE_MESSAGE);
    }

    private static FieldDescriptorProto.Builder part(String name, int number, String type) {
        return typed(
                FieldDescriptorProto.newBuilder()
                        .setName(name)
                        .setNumber(number)
                        .setLabel(Label.LABEL_OPTIONAL),
                type);
    }

    private static FieldDescriptorProto.Builder typed(
            FieldDescriptorProto.Builder to, String type) {
        FieldDescriptorProto.Type scalar = SCALARS.get(type);
        return scalar == null ? to.setTypeName(type) : to.setType(scalar);
    }

    /** As Protobuf's own compiler names it: in camel case, with Entry behind. */
    private static String entryName(String field) {
        StringBuilder name = new StringBuilder();
        boolean upper = true;
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '_') {
                upper = true;
            } else {
                name.append(upper ? Character.toUpperCase(c) : c);
                upper = false;
            }
        }
        return name.append("Entry").toString();
    }

    private FieldDescriptorProto.Builder group(GroupElement group, DescriptorProto.Builder in) {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName(group.getName());
        for (FieldElement field : group.getFields()) {
            message.addField(field(field, message));
        }
        in.addNestedType(message);
        return FieldDescriptorProto.newBuilder()
                .setName(group.getName().toLowerCase(Locale.ROOT))
                .setNumber(group.getTag())
                .setLabel(label(group.getLabel()))
                .setTypeName(group.getName())
                .setType(FieldDescriptorProto.Type.TYPE_GROUP);
    }

    private static Label label(Field.@Nullable Label label) {
        if (label == Field.Label.REPEATED) {
            return Label.LABEL_REPEATED;
        }
        return label == Field.Label.REQUIRED ? Label.LABEL_REQUIRED : Label.LABEL_OPTIONAL;
    }

    private static EnumDescriptorProto enumeration(EnumElement values) {
        EnumDescriptorProto.Builder to = EnumDescriptorProto.newBuilder().setName(values.getName());
        values.getConstants()
                .forEach(value ->
                        to.addValue(
                                EnumValueDescriptorProto.newBuilder()
                                        .setName(value.getName())
                                        .setNumber(value.getTag())));
        return to.build();
    }
}
