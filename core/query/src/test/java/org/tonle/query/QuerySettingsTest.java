package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tonle.query.QuerySettings.Limits;
import org.tonle.spi.Principal;

class QuerySettingsTest {
    private static final OptionalLong NONE = OptionalLong.empty();
    private static final OptionalLong FEW = OptionalLong.of(64 << 20);
    private static final OptionalLong MANY = OptionalLong.of(128 << 20);
    private static final Limits EACH = new Limits(4, Duration.ofMinutes(5), 1000, 1000, NONE);
    private static final QuerySettings SETTINGS =
            new QuerySettings(
                    8,
                    10,
                    Duration.ofSeconds(1),
                    128 << 20,
                    EACH,
                    Map.of(
                            "viewer",
                            new Limits(1, Duration.ofSeconds(30), 10, 5000, FEW),
                            "batch",
                            new Limits(2, Duration.ofHours(1), 99, 99, MANY)));

    private static Limits of(String... roles) {
        return SETTINGS.of(new Principal("ada", Set.of(roles), Map.of()));
    }

    @Test
    void whoHasNoRoleWithLimitsHasThoseOfEverybody() {
        assertThat(of()).isEqualTo(EACH);
        assertThat(of("other")).isEqualTo(EACH);
    }

    @Test
    void aRoleMayHaveLessAndSeveralGiveTheMostOfEach() {
        assertThat(of("viewer", "other"))
                .isEqualTo(new Limits(1, Duration.ofSeconds(30), 10, 5000, FEW));
        assertThat(of("viewer", "batch"))
                .isEqualTo(new Limits(2, Duration.ofHours(1), 99, 5000, MANY));
    }
}
