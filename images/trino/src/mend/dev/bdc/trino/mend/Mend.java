package dev.bdc.trino.mend;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.ZipFile;

/**
 * Mends Trino's own classes while the image is built: methods of ours come in for some of its methods.
 *
 * <p>Arguments: the file that lists them; the folder of our compiled classes; the server's folder. Each line is WAY FOLDER METHOD OURS, such as
 * {@code instead lib io.trino.X.method dev.bdc.Y.method}, where the folder has the jar. Ours is static and takes the arguments of Trino's, the object before them
 * where there is one. The ways:
 *
 * <ul>
 *   <li>instead: Trino's isn't run;
 *   <li>first: ours is run before it, and what ours returns is the answer, unless that is null;
 *   <li>after: ours is run after it, is given what it returned as its last argument, and has the last word.
 * </ul>
 *
 * A line that fits no method, or two, ends the build: Trino was updated, and somebody must look whether it still needs mending.
 */
public final class Mend {
    private enum Way { INSTEAD, FIRST, AFTER }

    private record Line(Way way, Path folder, ClassDesc type, String method, ClassDesc ourType, String ours) {
        static Line of(String text, Path server) {
            String[] words = text.strip().split("\\s+");
            int theirs = words[2].lastIndexOf('.');
            int ours = words[3].lastIndexOf('.');
            return new Line(Way.valueOf(words[0].toUpperCase(Locale.ROOT)), server.resolve(words[1]), ClassDesc.of(words[2].substring(0, theirs)),
                words[2].substring(theirs + 1), ClassDesc.of(words[3].substring(0, ours)), words[3].substring(ours + 1));
        }
    }

    private Mend() {}

    public static void main(String[] arguments) throws IOException {
        Path ours = Path.of(arguments[1]);
        for (String text : Files.readAllLines(Path.of(arguments[0]))) {
            if (!text.isBlank() && !text.startsWith("#")) {
                mend(Line.of(text, Path.of(arguments[2])), ours);
            }
        }
    }

    private static void mend(Line line, Path ours) throws IOException {
        MethodTypeDesc stand = only(ClassFile.of().parse(ours.resolve(file(line.ourType()))), line.ours(), line).methodTypeSymbol();
        try (FileSystem jar = FileSystems.newFileSystem(jar(line)); URLClassLoader types = types(line.folder())) {
            Path path = jar.getPath(file(line.type()));
            ClassFile files = ClassFile.of(ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(types).orElse(ClassHierarchyResolver.defaultResolver())));
            ClassModel type = files.parse(path);
            MethodModel method = fitting(type, stand, line);
            Files.write(path, files.transformClass(type, (builder, element) -> {
                if (element == method) {
                    builder.transformMethod(method, (methods, part) -> {
                        if (part instanceof CodeModel code && line.way() == Way.AFTER) {
                            methods.transformCode(code, after(line, stand));
                        } else if (part instanceof CodeModel code) {
                            methods.withCode(to -> before(to, code, line, stand));
                        } else {
                            methods.with(part);
                        }
                    });
                } else {
                    builder.with(element);
                }
            }));
        }
        System.out.println(line.type().displayName() + "." + line.method() + " is mended");
    }

    private static Path jar(Line line) throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(line.folder(), "io.trino_trino-*.jar")) {
            for (Path jar : jars) {
                try (ZipFile files = new ZipFile(jar.toFile())) {
                    if (files.getEntry(file(line.type())) != null) {
                        return jar;
                    }
                }
            }
        }
        throw new IllegalStateException("no jar has the class of " + line);
    }

    private static MethodModel fitting(ClassModel type, MethodTypeDesc stand, Line line) {
        List<MethodModel> found = type.methods().stream()
            .filter(method -> method.methodName().equalsString(line.method()) && stand.equals(expected(method, type, line.way()))).toList();
        if (found.size() != 1) {
            throw new IllegalStateException(found.size() + " methods fit " + line);
        }
        return found.getFirst();
    }

    private static MethodModel only(ClassModel type, String name, Line line) {
        List<MethodModel> found = type.methods().stream().filter(method -> method.methodName().equalsString(name)).toList();
        if (found.size() != 1 || !found.getFirst().flags().has(AccessFlag.STATIC)) {
            throw new IllegalStateException(found.size() + " methods are what is to stand in by " + line);
        }
        return found.getFirst();
    }

    /** What ours has to take and to return. */
    private static MethodTypeDesc expected(MethodModel method, ClassModel type, Way way) {
        MethodTypeDesc own = method.methodTypeSymbol();
        MethodTypeDesc whole = method.flags().has(AccessFlag.STATIC) ? own : own.insertParameterTypes(0, type.thisClass().asSymbol());
        return way == Way.AFTER ? whole.insertParameterTypes(whole.parameterCount(), whole.returnType()) : whole;
    }

    private static void before(CodeBuilder to, CodeModel code, Line line, MethodTypeDesc stand) {
        load(to, stand.parameterList());
        to.invokestatic(line.ourType(), line.ours(), stand);
        if (line.way() == Way.INSTEAD) {
            to.return_(TypeKind.from(stand.returnType()));
            return;
        }
        Label theirs = to.newLabel();
        to.dup().ifnull(theirs).areturn().labelBinding(theirs).pop();
        code.forEach(to::with);
    }

    private static CodeTransform after(Line line, MethodTypeDesc stand) {
        TypeKind kind = TypeKind.from(stand.returnType());
        List<ClassDesc> arguments = stand.parameterList().subList(0, stand.parameterCount() - 1);
        return (code, element) -> {
            if (element instanceof ReturnInstruction) {
                int result = code.allocateLocal(kind);
                code.storeLocal(kind, result);
                load(code, arguments);
                code.loadLocal(kind, result).invokestatic(line.ourType(), line.ours(), stand);
            }
            code.with(element);
        };
    }

    private static void load(CodeBuilder code, List<ClassDesc> arguments) {
        int slot = 0;
        for (ClassDesc argument : arguments) {
            TypeKind kind = TypeKind.from(argument);
            code.loadLocal(kind, slot);
            slot += kind.slotSize();
        }
    }

    private static String file(ClassDesc type) {
        return type.descriptorString().substring(1, type.descriptorString().length() - 1) + ".class";
    }

    /** All classes that those of a folder may name. */
    private static URLClassLoader types(Path folder) throws IOException {
        List<URL> jars = new ArrayList<>();
        for (Path each : List.of(folder, folder.resolve("../../lib").normalize())) {
            if (Files.isDirectory(each)) {
                try (DirectoryStream<Path> found = Files.newDirectoryStream(each, "*.jar")) {
                    for (Path jar : found) {
                        jars.add(jar.toUri().toURL());
                    }
                }
            }
        }
        return new URLClassLoader(jars.toArray(URL[]::new), null);
    }
}
