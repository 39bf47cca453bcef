package dev.bdc.trino;

import io.airlift.spi.secrets.SecretProvider;
import io.airlift.spi.secrets.SecretProviderFactory;
import io.airlift.spi.secrets.SecretsPlugin;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Secrets as files of a folder: ${id:KEY} in a catalog's properties is what the file KEY holds; ${id:KEY@url} is it as a part of a URL,
 * ${id:KEY@before} what stands before its first colon, and ${id:KEY@after} what stands after it.
 *
 * The kubelet brings a Secret's new key to each pod in its own time, so a file that isn't there yet is waited for. A key's value never
 * changes: another value is another key. https://trino.io/docs/current/develop/secrets-provider.html
 */
public final class MountedSecretsPlugin implements SecretsPlugin {
    @Override
    public List<SecretProviderFactory> getSecretProviderFactories() {
        return List.of(new Factory());
    }

    private static final class Factory implements SecretProviderFactory {
        @Override
        public String getName() {
            return "mounted";
        }

        @Override
        public SecretProvider createSecretProvider(Map<String, String> config) {
            return new MountedSecrets(Path.of(config.get("folder")), Duration.ofSeconds(Long.parseLong(config.get("wait-seconds"))));
        }
    }

    private record MountedSecrets(Path folder, Duration patience) implements SecretProvider {
        private static final Pattern KEY = Pattern.compile("([A-Za-z0-9][A-Za-z0-9_-]*)(?:@(url|before|after))?");
        private static final long LOOK_MILLIS = 100;

        @Override
        public String resolveSecretValue(String key) {
            Matcher parts = KEY.matcher(key);
            if (!parts.matches()) {
                throw new IllegalArgumentException("not a key of a mounted secret: " + key);
            }
            String value = read(folder.resolve(parts.group(1)), parts.group(1));
            int colon = Math.max(value.indexOf(':'), 0);
            return switch (parts.group(2)) {
                case "url" -> URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
                case "before" -> value.substring(0, colon);
                case "after" -> value.substring(Math.min(colon + 1, value.length()));
                case null, default -> value;
            };
        }

        private String read(Path file, String key) {
            try {
                for (long end = System.nanoTime() + patience.toNanos(); !Files.exists(file); Thread.sleep(LOOK_MILLIS)) {
                    if (System.nanoTime() > end) {
                        throw new IllegalStateException("the secret " + key + " did not come within " + patience.toSeconds() + " s");
                    }
                }
                return Files.readString(file);
            } catch (IOException e) {
                throw new IllegalStateException("the secret " + key + " can't be read");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while the secret " + key + " was waited for");
            }
        }
    }
}
