import java.nio.file.Files;
import javafx.animation.Animation;
import javafx.animation.KeyFrame;
import javafx.animation.Timeline;
import javafx.application.Application;
import javafx.application.Platform;
import javafx.scene.Scene;
import javafx.scene.web.WebEngine;
import javafx.scene.web.WebView;
import javafx.stage.Stage;
import javafx.util.Duration;

/**
 * Opens an address in the WebKit of a JavaFX and prints what an expression gives once it gives something, as
 * old_engine.py does in an old Chromium. JavaFX 18 brings a WebKit of Safari 15, without WebCrypto and
 * IndexedDB.
 *
 *     java --module-path FOLDER --add-modules javafx.web -cp old OldWebKit ADDRESS EXPRESSION
 */
public class OldWebKit extends Application {
    private static final Duration EVERY = Duration.millis(200);

    @Override
    public void start(Stage stage) throws Exception {
        var given = getParameters().getRaw();
        var view = new WebView();
        WebEngine engine = view.getEngine();
        engine.setUserDataDirectory(Files.createTempDirectory("old-webkit").toFile());
        stage.setScene(new Scene(view, Integer.getInteger("width", 360), 740));
        stage.show();
        engine.load(given.get(0));
        var asking = new Timeline();
        asking.setCycleCount(Animation.INDEFINITE);
        asking.getKeyFrames().add(new KeyFrame(EVERY, event -> {
            Object said = engine.executeScript(given.get(1));
            if (!(said instanceof String) || ((String) said).isEmpty()) return;
            asking.stop();
            System.out.println(said);
            Platform.exit();
        }));
        asking.play();
    }

    public static void main(String[] words) {
        launch(words);
    }
}
