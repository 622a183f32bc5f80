package org.tonle.files;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.SynchronousQueue;

/**
 * The process that reads documents: one after the other as it is asked, until nobody is left who
 * could ask. It shares nothing with the lake but two pipes.
 */
final class DocumentMain {
    private DocumentMain() {}

    /** Ends with the process that started it, also when that was killed. */
    public static void main(String[] args) throws Exception {
        // nobody reads what a library says
        System.setOut(System.err);
        DataOutputStream answers =
                new DataOutputStream(
                        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
        SynchronousQueue<DocumentFrames.Request> requests = new SynchronousQueue<>();
        Thread.ofPlatform().daemon().start(() -> receive(requests));
        TikaReader reader = new TikaReader();
        DocumentFrames.ready(answers);
        while (true) {
            DocumentFrames.Request request = requests.take();
            DocumentFrames.type(answers, reader.firstType(request.file(), request.name()));
            DocumentFrames.result(answers, reader.read(request.file(), request.name()));
        }
    }

    private static void receive(SynchronousQueue<DocumentFrames.Request> requests) {
        try {
            DataInputStream in =
                    new DataInputStream(
                            new BufferedInputStream(new FileInputStream(FileDescriptor.in)));
            while (true) {
                requests.put(DocumentFrames.request(in));
            }
        } catch (IOException | InterruptedException e) {
            // whoever asked is gone, in the middle of a document or between two
            DocumentReader.delete(Path.of(System.getProperty("java.io.tmpdir")));
            Runtime.getRuntime().halt(0);
        }
    }
}
