package org.tonle.files;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A process that has had a document read, and then does nothing until it is killed. */
final class DocumentParent {
    private DocumentParent() {}

    public static void main(String[] args) throws Exception {
        DocumentReader reader = new DocumentReader(Duration.ofSeconds(60));
        Document document = reader.read(Path.of(args[0]), "a.txt");
        long child = ProcessHandle.current().children().findFirst().orElseThrow().pid();
        System.out.println(child + " " + document.text().orElseThrow());
        new CountDownLatch(1).await();
    }
}
